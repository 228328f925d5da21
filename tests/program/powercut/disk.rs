//! The log that `shim.c` writes, and the directory as a power cut may leave it.
//!
//! What survives: what was flushed; of the rest, each sector of 512 bytes by chance, whatever became of its neighbours;
//! and of the names that came and went since the directory was flushed, the first ones, since file systems keep those
//! in order.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::Path;

use fastrand::Rng;

const SECTOR: u64 = 512;

/// One record, in the order in which things happened.
enum Event {
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
pub(super) struct Log(Vec<Event>);

/// What of the unflushed survives.
#[derive(Clone, Copy, Debug)]
pub(super) struct Luck {
    /// The chance of each sector: 0.0 to 1.0.
    pub(super) sectors: f64,
    /// A disk that lies: flushes of files whose names end like this did nothing.
    pub(super) lies_about: Option<&'static str>,
}

/// Files by name.
pub(super) type Files = BTreeMap<String, Vec<u8>>;

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

    /// The directory after a power cut at this moment.
    pub(super) fn cut(&self, cut: usize, luck: Luck, rng: &mut Rng) -> Files {
        let flushed = self.flushed_at(cut, luck);
        let mut contents: HashMap<usize, Vec<u8>> = HashMap::new();
        for (index, event) in self.0[..cut].iter().enumerate() {
            let mut survives =
                |file| index < flushed.get(file).copied().unwrap_or(0) || rng.f64() < luck.sectors;
            match event {
                Event::Written { file, at, bytes } => {
                    let content = contents.entry(*file).or_default();
                    for (at, sector) in sectors(*at, bytes) {
                        if survives(file) {
                            overwrite(content, at, sector);
                        }
                    }
                }
                Event::Resized { file, size: to } => {
                    if survives(file) {
                        contents.entry(*file).or_default().resize(size(*to), 0);
                    }
                }
                _ => {}
            }
        }
        self.names_at(cut, luck, rng)
            .into_iter()
            .map(|(name, file)| (name, contents.remove(&file).unwrap_or_default()))
            .collect()
    }

    /// How much of the log is on disk, by file.
    fn flushed_at(&self, cut: usize, luck: Luck) -> HashMap<usize, usize> {
        let (mut flushed, mut liars) = (HashMap::new(), Vec::new());
        for event in &self.0[..cut] {
            match event {
                Event::Created { file, name } => {
                    if luck.lies_about.is_some_and(|end| name.ends_with(end)) {
                        liars.push(*file);
                    }
                }
                Event::Flushed { file, covers } if !liars.contains(file) => {
                    let until = flushed.entry(*file).or_insert(0);
                    *until = (*covers).max(*until);
                }
                _ => {}
            }
        }
        flushed
    }

    fn names_at(&self, cut: usize, luck: Luck, rng: &mut Rng) -> BTreeMap<String, usize> {
        let covers = |event: &Event| match event {
            Event::NamesFlushed { covers } => Some(*covers),
            _ => None,
        };
        let flushed = self.0[..cut].iter().filter_map(covers).max().unwrap_or(0);
        let mut names = BTreeMap::new();
        for (index, event) in self.0[..cut].iter().enumerate() {
            let is_change = matches!(event, Event::Created { .. } | Event::Removed { .. });
            if is_change && index >= flushed && rng.f64() >= luck.sectors {
                break;
            }
            match event {
                Event::Created { file, name } => drop(names.insert(name.clone(), *file)),
                Event::Removed { name } => drop(names.remove(name)),
                _ => {}
            }
        }
        names
    }
}

fn size(value: u64) -> usize {
    usize::try_from(value).unwrap()
}

/// The text behind `start`, up to one of these characters.
fn between(text: &str, start: &str, ends: &[char]) -> Option<String> {
    let rest = &text[text.find(start)? + start.len()..];
    Some(rest[..rest.find(ends)?].to_owned())
}

/// The parts of a write that lie in one sector each.
fn sectors(mut at: u64, mut bytes: &[u8]) -> Vec<(usize, &[u8])> {
    let mut parts = Vec::new();
    while !bytes.is_empty() {
        let room = size(SECTOR - at % SECTOR).min(bytes.len());
        let (part, rest) = bytes.split_at(room);
        parts.push((size(at), part));
        (at, bytes) = (at + part.len() as u64, rest);
    }
    parts
}

fn overwrite(content: &mut Vec<u8>, at: usize, bytes: &[u8]) {
    let end = at + bytes.len();
    if content.len() < end {
        content.resize(end, 0);
    }
    content[at..end].copy_from_slice(bytes);
}
