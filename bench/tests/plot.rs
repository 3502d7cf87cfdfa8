//! The plots, smoke-tested without golden files: they are drawn, they say what they must, they are whole.

mod common;

use instar_bench::headline;
use instar_bench::plot;
use instar_bench::point::Strategy;
use instar_bench::record::Record;
use instar_bench::sweep::{Options, Size};

fn options(size: Size) -> Options {
    Options { size, workers: 2, ..Options::new("unused".into()) }
}

fn svg_of(records: &[Record], name: &str) -> String {
    let plots = plot::draw(records, &common::limits());
    plots.iter().find(|plot| plot.name == name).unwrap_or_else(|| panic!("no {name}")).svg()
}

#[test]
fn the_default_sweep_gives_every_plot() {
    let records = common::records(&options(Size::Default));
    let plots = plot::draw(&records, &common::limits());
    let names: Vec<&str> = plots.iter().map(|plot| plot.name.as_str()).collect();
    assert_eq!(names, ["pause-by-instances", "pause-by-heap", "access", "memory"]);
    for plot in &plots {
        let svg = plot.svg();
        assert!(svg.starts_with("<svg ") && svg.ends_with("</svg>\n"), "{}", plot.name);
        assert!(!svg.contains("NaN") && !svg.contains("inf"), "{}", plot.name);
        for who in ["lazy", "full scan", "always check", "object table"] {
            assert!(svg.contains(who), "{} lacks {who}", plot.name);
        }
    }
}

#[test]
fn axes_have_units_and_the_headline_is_on_the_plot() {
    let svg = svg_of(&common::records(&options(Size::Default)), "pause-by-instances");
    for text in ["pairs swapped by one become", ">10⁷<", ">1 ms<", "memory limit", ", 2 workers", "×<"] {
        assert!(svg.contains(text), "{text}");
    }
    let svg = svg_of(&common::records(&options(Size::Default)), "pause-by-heap");
    assert!(svg.contains(">0<") && svg.contains("bystanders") && svg.contains("read the heap once"));
}

#[test]
fn pictures_are_whole_png_files_of_twice_the_size() {
    let records = common::records(&options(Size::Quick));
    for plot in plot::draw(&records, &[]) {
        let png = plot.png().unwrap();
        assert_eq!(&png[..8], b"\x89PNG\r\n\x1a\n");
        let width = u32::from_be_bytes(png[16..20].try_into().unwrap());
        let svg = plot.svg();
        assert!(svg.contains(&format!("width=\"{}\"", width / 2)), "{}", plot.name);
        assert_eq!(&png[png.len() - 8..png.len() - 4], b"IEND");
    }
}

#[test]
fn little_data_still_draws_or_is_left_out() {
    assert!(plot::draw(&[], &[]).is_empty());
    let one = common::records(&Options { max_instances: Some(1), runs: Some(1), ..options(Size::Quick) });
    for records in [&one[..], &one[..1]] {
        for plot in plot::draw(records, &common::limits()) {
            assert!(!plot.svg().contains("NaN"), "{}", plot.name);
            plot.png().unwrap();
        }
    }
    let failed: Vec<Record> =
        one.into_iter().map(|record| Record { outcome: Err("no heap".to_owned()), ..record }).collect();
    assert!(plot::draw(&failed, &[]).is_empty());
}

#[test]
fn the_terminal_table_is_short_and_says_when_there_is_nothing_to_compare() {
    let records = common::records(&options(Size::Default));
    let table = headline::table(&headline::comparisons(&records));
    assert!(table.lines().count() <= 20 && table.lines().all(|line| line.chars().count() <= 260), "{table}");
    let lazy = Options { strategies: vec![Strategy::Lazy], ..options(Size::Quick) };
    let table = headline::table(&headline::comparisons(&common::records(&lazy)));
    assert!(table.starts_with("No point has observations of both"), "{table}");
}
