//! Identity swap for the Instar heap: lazy forwarders, read-barrier strategies, full-scan swapping.
