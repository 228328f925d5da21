//! What `shim.c` has written down, and what can be read off it.
//!
//! A moment is the number of records that came before it.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

/// One record, in the order in which things happened.
pub(super) enum Event {
    Created {
        file: usize,
        name: String,
    },
    Removed {
        name: String,
    },
    Written {
        file: usize,
        at: u64,
        bytes: Vec<u8>,
    },
    Resized {
        file: usize,
        size: u64,
    },
    Flushed {
        file: usize,
        covers: usize,
    },
    NamesFlushed {
        covers: usize,
    },
    Sent(String),
}

/// What one life of a process did.
pub(super) struct Log(pub(super) Vec<Event>);

impl Log {
    pub(super) fn read(path: &Path) -> Self {
        let bytes = fs::read(path).unwrap();
        let (mut rest, mut events) = (bytes.as_slice(), Vec::new());
        let (mut by_inode, mut files) = (HashMap::new(), 0);
        while let Some((head, tail)) = rest.split_first_chunk::<32>() {
            let field =
                |index: usize| u64::from_ne_bytes(head[index * 8..][..8].try_into().unwrap());
            let Some((bytes, tail)) = tail.split_at_checked(size(field(3))) else {
                break; // Killed while it wrote this down.
            };
            rest = tail;
            let (inode, value) = (field(1), field(2));
            let text = || String::from_utf8_lossy(bytes).into_owned();
            let file = || by_inode[&inode];
            events.push(match field(0) {
                1 => {
                    by_inode.insert(inode, files);
                    files += 1;
                    let (file, name) = (files - 1, text());
                    Event::Created { file, name }
                }
                2 => Event::Removed { name: text() },
                3 => Event::Written {
                    file: file(),
                    at: value,
                    bytes: bytes.to_vec(),
                },
                4 => Event::Resized {
                    file: file(),
                    size: value,
                },
                5 => Event::Flushed {
                    file: file(),
                    covers: size(value),
                },
                6 => Event::NamesFlushed {
                    covers: size(value),
                },
                7 => Event::Sent(text()),
                kind => panic!("{kind} is no kind of record"),
            });
        }
        Self(events)
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// The highest offset that had been sent to the server before this moment: what is below it may be forgotten there.
    pub(super) fn confirmed_at(&self, cut: usize) -> i64 {
        let told = self.confirmations();
        let before = told.iter().rev().find(|(moment, _)| *moment <= cut);
        before.map_or(0, |(_, offset)| *offset)
    }

    /// The moments just after a higher offset left, and that offset.
    pub(super) fn confirmations(&self) -> Vec<(usize, i64)> {
        let mut told = Vec::new();
        for (index, event) in self.0.iter().enumerate() {
            let Event::Sent(text) = event else { continue };
            let Some(offset) = between(text, "\"offset\":", &[',', '}']) else {
                continue;
            };
            let offset = offset.parse().unwrap();
            if offset > told.last().map_or(0, |(_, highest)| *highest) {
                told.push((index + 1, offset));
            }
        }
        told
    }

    /// Where something becomes certain: flushes, and confirmations.
    pub(super) fn turns(&self) -> Vec<usize> {
        let is_flush = |index: &usize| {
            matches!(
                self.0[*index],
                Event::Flushed { .. } | Event::NamesFlushed { .. }
            )
        };
        let told = self
            .confirmations()
            .into_iter()
            .map(|(moment, _)| moment - 1);
        (0..self.len()).filter(is_flush).chain(told).collect()
    }

    /// Where a file was flushed after this moment.
    pub(super) fn flushes_of(&self, path: &str, after: usize) -> Vec<usize> {
        let of_path = |event: &&Event| matches!(event, Event::Created { name, .. } if name == path);
        let Some(Event::Created { file: it, .. }) = self.0.iter().find(of_path) else {
            return Vec::new();
        };
        let is_flush = |event: &Event| matches!(event, Event::Flushed { file, .. } if file == it);
        (after..self.len())
            .filter(|index| is_flush(&self.0[*index]))
            .collect()
    }

    /// What had been answered before this moment, in order.
    pub(super) fn answers_at(&self, cut: usize) -> Vec<String> {
        let answer = |event: &Event| match event {
            Event::Sent(text) => between(text, "You said ", &['"']),
            _ => None,
        };
        self.0[..cut].iter().filter_map(answer).collect()
    }

    /// The last moment before a change of a file, where the log ends with one.
    pub(super) fn before_last_change(&self) -> usize {
        let changes = |event: &Event| {
            !matches!(
                event,
                Event::Sent(_) | Event::Flushed { .. } | Event::NamesFlushed { .. }
            )
        };
        self.0.iter().rposition(changes).unwrap_or(0)
    }
}

pub(super) fn size(value: u64) -> usize {
    usize::try_from(value).unwrap()
}

/// The text behind `start`, up to one of these characters.
fn between(text: &str, start: &str, ends: &[char]) -> Option<String> {
    let rest = &text[text.find(start)? + start.len()..];
    Some(rest[..rest.find(ends)?].to_owned())
}
