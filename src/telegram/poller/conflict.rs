//! Conflicts that come again: is it somebody on the way out, or somebody who stays?

use std::time::Duration;

use tokio::time::Instant;

/// An episode of conflicts. It is over when none has come for as long as one is tolerated; a call that succeeds in
/// between proves nothing, because two pollers take turns.
pub(super) struct Conflict {
    tolerated: Duration,
    episode: Option<Episode>,
}

struct Episode {
    since: Instant,
    last: Instant,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The first of an episode.
    New,
    /// One more, still tolerated.
    Again,
    /// It has gone on for too long.
    TooLong,
}

impl Conflict {
    pub(super) fn new(tolerated: Duration) -> Self {
        Self {
            tolerated,
            episode: None,
        }
    }

    pub(super) fn met(&mut self, now: Instant) -> Verdict {
        match self.episode.as_mut() {
            Some(episode) if now - episode.last <= self.tolerated => {
                episode.last = now;
                if now - episode.since > self.tolerated {
                    Verdict::TooLong
                } else {
                    Verdict::Again
                }
            }
            _ => {
                self.episode = Some(Episode {
                    since: now,
                    last: now,
                });
                Verdict::New
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdicts(seconds: &[u64]) -> Vec<Verdict> {
        let (start, mut conflict) = (Instant::now(), Conflict::new(Duration::from_secs(40)));
        seconds
            .iter()
            .map(|at| conflict.met(start + Duration::from_secs(*at)))
            .collect()
    }

    #[test]
    fn one_that_goes_on_is_tolerated_for_a_while() {
        assert_eq!(
            verdicts(&[0, 3, 40, 41]),
            [
                Verdict::New,
                Verdict::Again,
                Verdict::Again,
                Verdict::TooLong
            ]
        );
    }

    #[test]
    fn a_long_quiet_ends_an_episode() {
        assert_eq!(
            verdicts(&[0, 41, 50, 100]),
            [Verdict::New, Verdict::New, Verdict::Again, Verdict::New]
        );
    }
}
