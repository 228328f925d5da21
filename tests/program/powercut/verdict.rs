//! What became of the updates in the end.

use super::life::{LAST, PEOPLE, UPDATES};

#[derive(Debug, Default)]
pub(super) struct Verdict {
    pub(super) lost: Vec<String>,
    /// People who were answered something before its turn.
    disordered: Vec<i64>,
    /// Answers beyond the first.
    repeated: usize,
}

impl Verdict {
    pub(super) fn on(answers: &[String]) -> Self {
        let mut verdict = Self::default();
        for person in 1..=PEOPLE {
            let mut expected: Vec<String> = (0..UPDATES / PEOPLE)
                .map(|turn| format!("{person}.{turn}"))
                .collect();
            expected.push(format!("{person}.{LAST}"));
            let mut first = Vec::new();
            for answer in answers
                .iter()
                .filter(|text| text.starts_with(&format!("{person}.")))
            {
                if first.contains(answer) {
                    verdict.repeated += 1;
                } else {
                    first.push(answer.clone());
                }
            }
            let (answered, lost): (Vec<_>, Vec<_>) =
                expected.into_iter().partition(|text| first.contains(text));
            verdict.lost.extend(lost);
            if first != answered {
                verdict.disordered.push(person);
            }
        }
        verdict.lost.sort();
        verdict
    }
    /// Nothing is lost, and everybody was answered in the order of asking.
    pub(super) fn is_well(&self) -> bool {
        self.lost.is_empty() && self.disordered.is_empty()
    }
}
