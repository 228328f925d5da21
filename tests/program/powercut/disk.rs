//! The directory as a power cut may leave it.
//!
//! What survives: what was flushed; of the rest, each sector of 512 bytes by chance, whatever became of its neighbours;
//! and of the names that came and went since the directory was flushed, the first ones, since file systems keep those
//! in order.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::{Path, PathBuf};

use fastrand::Rng;

use super::log::{Event, Log, size};

const SECTOR: u64 = 512;

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

/// The directory after a power cut at this moment.
pub(super) fn after_cut(log: &Log, cut: usize, luck: Luck, rng: &mut Rng) -> Files {
    let events = &log.0[..cut];
    let flushed = flushed(events, luck);
    let mut contents: HashMap<usize, Vec<u8>> = HashMap::new();
    for (index, event) in events.iter().enumerate() {
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
            Event::Resized { file, size: to } if survives(file) => {
                contents.entry(*file).or_default().resize(size(*to), 0);
            }
            _ => {}
        }
    }
    let take = |(name, file)| (name, contents.remove(&file).unwrap_or_default());
    names(events, luck, rng).into_iter().map(take).collect()
}

/// How much of the log is on disk, by file.
fn flushed(events: &[Event], luck: Luck) -> HashMap<usize, usize> {
    let (mut flushed, mut liars) = (HashMap::new(), Vec::new());
    let lies = |name: &str| luck.lies_about.is_some_and(|end| name.ends_with(end));
    for event in events {
        match event {
            Event::Created { file, name } if lies(name) => liars.push(*file),
            Event::Flushed { file, covers } if !liars.contains(file) => {
                let until = flushed.entry(*file).or_insert(0);
                *until = (*covers).max(*until);
            }
            _ => {}
        }
    }
    flushed
}

fn names(events: &[Event], luck: Luck, rng: &mut Rng) -> BTreeMap<String, usize> {
    let covers = |event: &Event| match event {
        Event::NamesFlushed { covers } => Some(*covers),
        _ => None,
    };
    let flushed = events.iter().filter_map(covers).max().unwrap_or(0);
    let mut names = BTreeMap::new();
    for (index, event) in events.iter().enumerate() {
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

pub(super) fn write(dir: &Path, files: &Files) {
    for (name, content) in files {
        fs::write(dir.join(name), content).unwrap();
    }
}

pub(super) fn read(dir: &Path) -> Files {
    let paths: Vec<PathBuf> = fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    let name = |path: &Path| path.file_name().unwrap().to_string_lossy().into_owned();
    paths
        .iter()
        .map(|path| (name(path), fs::read(path).unwrap()))
        .collect()
}

/// The files that are worth a comparison: not the mapped one, and not one that was just made.
pub(super) fn comparable(mut files: Files) -> Files {
    files.retain(|name, content| !name.ends_with("-shm") && !content.is_empty());
    files
}
