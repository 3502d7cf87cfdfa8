//! The known name that a mistyped one is nearest to.

/// Keeps the best of the candidates it is shown.
pub struct Nearest<'n> {
    wanted: Vec<char>,
    text: &'n str,
    best: Option<(usize, String)>,
}

/// Longer names are not compared.
const LONGEST: usize = 64;

impl<'n> Nearest<'n> {
    /// Looks for what `text` may have meant.
    pub fn new(text: &'n str) -> Self {
        Nearest { wanted: text.chars().take(LONGEST + 1).collect(), text, best: None }
    }

    /// A known name. Of equally near ones the alphabetically first wins, so that the order does not matter.
    pub fn consider(&mut self, candidate: &str) {
        if candidate == self.text || candidate.len() > LONGEST || self.wanted.len() > LONGEST {
            return;
        }
        let limit = (self.wanted.len() / 3).clamp(1, 3);
        if candidate.len().abs_diff(self.text.len()) > limit * 4 {
            return;
        }
        let distance = distance(&self.wanted, candidate);
        let is_better = match &self.best {
            None => distance <= limit,
            Some((best, name)) => distance < *best || distance == *best && candidate < name.as_str(),
        };
        if is_better {
            self.best = Some((distance, candidate.to_owned()));
        }
    }

    /// The nearest, if one was near enough to be meant.
    pub fn into_best(self) -> Option<String> {
        self.best.map(|(_, name)| name)
    }
}

/// Edits between the two: insertions, deletions, replacements, swaps of neighbours (optimal string alignment). A
/// change of case alone counts half as much as it looks: it is free, and one is added once.
fn distance(wanted: &[char], candidate: &str) -> usize {
    let same = |left: char, right: char| left == right || left.to_lowercase().eq(right.to_lowercase());
    let candidate: Vec<char> = candidate.chars().collect();
    let mut before: Vec<usize> = Vec::new();
    let mut previous: Vec<usize> = (0..=candidate.len()).collect();
    for (row, left) in wanted.iter().enumerate() {
        let mut current = vec![row + 1];
        for (column, right) in candidate.iter().enumerate() {
            let replaced = previous[column] + usize::from(!same(*left, *right));
            let mut best = replaced.min(previous[column + 1] + 1).min(current[column] + 1);
            let is_swap =
                row > 0 && column > 0 && same(*left, candidate[column - 1]) && same(wanted[row - 1], *right);
            if is_swap {
                best = best.min(before[column - 1] + 1);
            }
            current.push(best);
        }
        before = std::mem::replace(&mut previous, current);
    }
    let edits = previous[candidate.len()];
    if edits == 0 { usize::from(wanted != candidate) } else { edits }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nearest(wanted: &str, known: &[&str]) -> Option<String> {
        let mut nearest = Nearest::new(wanted);
        known.iter().for_each(|name| nearest.consider(name));
        nearest.into_best()
    }

    #[test]
    fn typing_mistakes_are_found_and_other_names_are_not() {
        let known = ["OrderedCollection", "Transcript", "count", "counter"];
        assert_eq!(nearest("OrderedColection", &known).as_deref(), Some("OrderedCollection"));
        assert_eq!(nearest("Trasncript", &known).as_deref(), Some("Transcript"));
        assert_eq!(nearest("transcript", &known).as_deref(), Some("Transcript"));
        assert_eq!(nearest("cuonter", &known).as_deref(), Some("counter"));
        assert_eq!(nearest("Dictionary", &known), None);
        assert_eq!(nearest("x", &["y", "z"]).as_deref(), Some("y"));
        assert_eq!(nearest("", &["ab"]), None);
    }
}
