//! Which points of the grid are measured, in which order.
//!
//! The default plan is not the whole grid but the lines through it that the questions are about. All strategies of
//! one heap are measured in turn within each run, so that what the machine does at that time hits all alike.

use std::collections::BTreeSet;
use std::time::Duration;

use super::options::{Options, Size};
use crate::measure::Trial;
use crate::point::{Age, Holder, Kind, Point, Strategy};

/// Time of one observation that does not depend on the heap: a process and its first pages.
const FIXED_COST: Duration = Duration::from_millis(3);
/// Time of one observation for each live object: allocate, age by full collections, five passes, two collections.
/// Over a default sweep it was 96 ns; single heaps took from 60 ns (10⁵ pairs) to 200 ns (1,000 pairs, 10⁵ bystanders).
const COST_PER_OBJECT_NS: u64 = 100;
/// From so many objects on, three runs are enough by default: the noise of a run falls with its length.
const LARGE_OBJECTS: u64 = 2_000_000;
/// References at each swapped object, beside 1.
const DENSITIES: [u32; 2] = [4, 16];

/// A point but for who is measured there.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Heap {
    pairs: u64,
    bystanders: u64,
    kind: Kind,
    age: Age,
    references_per_object: u32,
    holder: Holder,
}

impl Heap {
    const fn of(pairs: u64, bystanders: u64) -> Self {
        let (kind, age, holder) = (Kind::OneWay, Age::Old, Holder::Field);
        Self { pairs, bystanders, kind, age, references_per_object: 1, holder }
    }

    const fn point(self, (strategy, workers): (Strategy, u32)) -> Point {
        let Self { pairs, bystanders, kind, age, references_per_object, holder } = self;
        Point { strategy, workers, kind, pairs, bystanders, age, references_per_object, holder }
    }
}

/// Estimated time of one observation, for the time left and for the choice of the default plan.
#[must_use]
pub fn cost(point: &Point) -> Duration {
    FIXED_COST + Duration::from_nanos(point.objects().saturating_mul(COST_PER_OBJECT_NS))
}

/// Repetitions of a point.
#[must_use]
pub fn runs_of(options: &Options, point: &Point) -> u32 {
    let few = options.size == Size::Quick || point.objects() > LARGE_OBJECTS;
    options.runs.unwrap_or(if few { 3 } else { 5 })
}

/// Every observation of the sweep, small heaps first.
#[must_use]
pub fn trials(options: &Options) -> Vec<Trial> {
    let mut heaps: Vec<(Heap, Vec<(Strategy, u32)>)> = match options.size {
        Size::Full => grid(options).into_iter().map(|heap| (heap, everyone(options))).collect(),
        Size::Quick | Size::Default => lines(options),
    };
    heaps.sort_by_key(|(heap, _)| (heap.point((Strategy::Lazy, 1)).objects(), *heap));
    let mut trials = Vec::new();
    for (heap, contenders) in heaps {
        let points: Vec<Point> = contenders.into_iter().map(|who| heap.point(who)).collect();
        let runs = points.first().map_or(0, |point| runs_of(options, point));
        for run in 1..=runs {
            trials.extend(points.iter().map(|&point| Trial { point, run, seed: options.seed }));
        }
    }
    trials
}

/// Powers of ten up to `max`, and `max` itself.
fn levels(max: u64) -> BTreeSet<u64> {
    let powers = (0..20).map_while(|exponent| 10_u64.checked_pow(exponent));
    powers.take_while(|&power| power < max).chain([max]).collect()
}

/// No bystanders, then from a thousand on: less does not show beside the fixed cost of a scan.
fn bystander_levels(max: u64) -> BTreeSet<u64> {
    levels(max).into_iter().filter(|&level| level >= 1000 || level == max).chain([0]).collect()
}

/// The strategies that are asked for, those whose become or collections differ by workers also with several.
fn contenders(options: &Options) -> Vec<(Strategy, u32)> {
    let several = |strategy| matches!(strategy, Strategy::Lazy | Strategy::FullScan) && options.workers > 1;
    let counts = |strategy| [Some(1), several(strategy).then_some(options.workers)];
    let of = |&strategy| counts(strategy).into_iter().flatten().map(move |workers| (strategy, workers));
    options.strategies.iter().flat_map(of).collect()
}

/// The strategies that are asked for, all with one and with several workers.
fn everyone(options: &Options) -> Vec<(Strategy, u32)> {
    let counts = BTreeSet::from([1, options.workers]);
    options.strategies.iter().flat_map(|&strategy| counts.iter().map(move |&n| (strategy, n))).collect()
}

/// The lines through the grid that the questions are about.
fn lines(options: &Options) -> Vec<(Heap, Vec<(Strategy, u32)>)> {
    let max = options.max_instances();
    let bystanders = max.min(if options.size == Size::Quick { 100_000 } else { 1_000_000 });
    let some = |pairs: u64| Heap::of(pairs.min(max), bystanders);
    let mut heaps = BTreeSet::new();
    // How does the pause grow with the instances, and with the heap?
    heaps.extend(levels(max).into_iter().map(|pairs| Heap::of(pairs, bystanders)));
    heaps.extend(bystander_levels(max).into_iter().map(|bystanders| Heap::of(1, bystanders)));
    // What does access cost afterwards, by where and how many the references are?
    heaps.extend(Holder::ALL.iter().map(|&holder| Heap { holder, ..some(1_000_000) }));
    heaps.extend(DENSITIES.map(|references_per_object| Heap { references_per_object, ..some(100_000) }));
    // What do hash, direction and age change?
    for pairs in [1, 1000, 100_000] {
        heaps.extend(Kind::ALL.iter().map(|&kind| Heap { kind, ..some(pairs) }));
        heaps.insert(Heap { age: Age::Young, ..some(pairs) });
    }
    let everyone = contenders(options);
    let mut lines: Vec<_> = heaps.into_iter().map(|heap| (heap, everyone.clone())).collect();
    // The far corner, for the two that the project is about; the others are known at each edge.
    let corner = Heap::of(max, max);
    if !lines.iter().any(|(heap, _)| *heap == corner) {
        let rivals =
            |(strategy, _): &(Strategy, u32)| matches!(strategy, Strategy::Lazy | Strategy::FullScan);
        lines.push((corner, everyone.into_iter().filter(rivals).collect()));
    }
    lines
}

/// Every combination.
fn grid(options: &Options) -> Vec<Heap> {
    let max = options.max_instances();
    let mut heaps = Vec::new();
    for pairs in levels(max) {
        for bystanders in bystander_levels(max) {
            for &kind in Kind::ALL {
                for &age in Age::ALL {
                    for references_per_object in [1].into_iter().chain(DENSITIES) {
                        for &holder in Holder::ALL {
                            heaps.push(Heap { pairs, bystanders, kind, age, references_per_object, holder });
                        }
                    }
                }
            }
        }
    }
    heaps
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    fn options(size: Size) -> Options {
        Options { size, workers: 2, ..Options::new("unused".into()) }
    }

    fn total_cost(options: &Options) -> Duration {
        trials(options).iter().map(|trial| cost(&trial.point)).sum()
    }

    #[test]
    fn the_default_plan_reaches_all_edges_in_time() {
        let options = options(Size::Default);
        let trials = trials(&options);
        let has = |f: &dyn Fn(&Point) -> bool| trials.iter().any(|trial| f(&trial.point));
        for &strategy in Strategy::ALL {
            assert!(has(&|p| p.strategy == strategy && p.pairs == 10_000_000), "{strategy}");
            assert!(has(&|p| p.strategy == strategy && p.bystanders == 10_000_000), "{strategy}");
        }
        assert!(has(&|p| p.pairs == 10_000_000 && p.bystanders == 10_000_000));
        assert!(Kind::ALL.iter().all(|&kind| has(&|p| p.kind == kind)));
        assert!(Age::ALL.iter().all(|&age| has(&|p| p.age == age)));
        assert!(Holder::ALL.iter().all(|&holder| has(&|p| p.holder == holder)));
        assert!(has(&|p| p.references_per_object == 16));
        let cost = total_cost(&options);
        assert!(cost < Duration::from_secs(225), "{cost:?}");
    }

    #[test]
    fn the_quick_plan_takes_less_than_a_minute() {
        let cost = total_cost(&options(Size::Quick));
        assert!(cost < Duration::from_secs(50), "{cost:?}");
    }

    #[test]
    fn no_observation_is_planned_twice() {
        for (size, max) in [(Size::Quick, 1), (Size::Quick, 50), (Size::Default, 10_000_000), (Size::Full, 7)]
        {
            let trials = trials(&Options { max_instances: Some(max), ..options(size) });
            let distinct: HashSet<_> = trials.iter().copied().collect();
            assert_eq!(distinct.len(), trials.len(), "{size:?} {max}");
            assert!(trials.iter().all(|trial| trial.point.pairs <= max && trial.point.bystanders <= max));
        }
    }

    #[test]
    fn strategies_take_turns_on_the_same_heap() {
        let trials = trials(&options(Size::Quick));
        let turns = trials.chunks(6).next().unwrap();
        let who: Vec<_> = turns.iter().map(|trial| (trial.point.strategy, trial.point.workers)).collect();
        assert_eq!(who, contenders(&options(Size::Quick)));
        assert!(turns.iter().all(|trial| trial.heap_seed() == turns[0].heap_seed() && trial.run == 1));
    }

    #[test]
    fn levels_include_a_crooked_maximum() {
        assert_eq!(levels(500).into_iter().collect::<Vec<_>>(), [1, 10, 100, 500]);
        assert_eq!(bystander_levels(50).into_iter().collect::<Vec<_>>(), [0, 50]);
        assert_eq!(levels(u64::MAX).len(), 21);
    }
}
