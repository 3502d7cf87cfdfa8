"""The classic object-oriented set; every module has one subclass of Benchmark that is named as the module is."""
