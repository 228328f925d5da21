//! What a browser has on the disk.
//!
//! Chromium lets each site have a large part of the disk, and a page can be many sites. No limit of the kernel's is for
//! folders, so somebody has to look.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// A page and its browser may have about so much: what it writes between two looks comes on top. Files that have lost their
/// name while they are open are not seen; each of those has `sundown confine`'s limit.
pub(super) const DISK_BYTES: u64 = 1 << 30;

/// A file takes this at least, though it were empty: it has a place in a folder and an entry of its own.
const LEAST: u64 = 4 << 10;

/// Whether all below this folder takes more than so many bytes. What cannot be read does not count.
pub(super) fn takes_more_than(folder: &Path, most_bytes: u64) -> bool {
    let (mut left, mut folders) = (most_bytes, vec![folder.to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            // Of a link itself, wherever it leads.
            let Ok(metadata) = entry.metadata() else {
                continue;
            };
            // Holes take nothing.
            let bytes = metadata.blocks().saturating_mul(512).max(LEAST);
            match left.checked_sub(bytes) {
                Some(rest) => left = rest,
                None => return true,
            }
            if metadata.is_dir() {
                folders.push(entry.path());
            }
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;

    #[test]
    fn files_count_however_deep_and_however_small() {
        let folder = TempDir::new().unwrap();
        let deep = folder.path().join("a/b");
        fs::create_dir_all(&deep).unwrap();
        for number in 0..10 {
            fs::write(deep.join(number.to_string()), "").unwrap();
        }
        assert!(takes_more_than(folder.path(), 11 * LEAST));
        assert!(!takes_more_than(folder.path(), 1 << 20));
    }

    #[test]
    fn a_link_is_not_what_it_leads_to() {
        let (folder, elsewhere) = (TempDir::new().unwrap(), TempDir::new().unwrap());
        fs::write(elsewhere.path().join("large"), vec![1; 1 << 20]).unwrap();
        std::os::unix::fs::symlink(elsewhere.path(), folder.path().join("link")).unwrap();
        std::os::unix::fs::symlink(folder.path(), folder.path().join("round")).unwrap();
        assert!(!takes_more_than(folder.path(), 1 << 19));
    }
}
