//! What Chromium may do, as data.

use std::env;
use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Names that the browser has on the distributions, the lightest first.
const NAMES: [&str; 5] = [
    "chromium-headless-shell",
    "chromium",
    "chromium-browser",
    "google-chrome-stable",
    "google-chrome",
];

/// How Chromium is started, and what a page may take. Every field has a default.
#[derive(Clone, Debug)]
pub struct ChromiumSettings {
    /// The browser's program. None: the first of its usual names that is on `PATH`.
    pub program: Option<PathBuf>,
    /// The program and arguments that the browser is started through, and that understand what `sundown confine` does.
    /// None: this program itself, with `confine`. An empty list: the browser is started directly; then it has no other
    /// user and no limits, and what ends it after a SIGKILL of this process is only that its pipe closes.
    pub confine: Option<Vec<OsString>>,
    /// The HTTP proxy that every request of a page goes through, those to loopback too. None: pages reach whatever this
    /// machine reaches.
    pub proxy: Option<SocketAddr>,
    /// Where profiles are kept while they are used. None: the system's directory for temporary files.
    pub scratch: Option<PathBuf>,
    /// What a page may take from the browser's start to the result, 20 s. Then all of it is killed.
    pub deadline: Duration,
    /// When a page that does not come to rest is taken as it is, 10 s after it has begun to arrive. What it has by
    /// then is the result, and says that it is not settled.
    pub settle_within: Duration,
    /// How far a page's own clock is let run on after it has been loaded, 5 s: timers that are due by then have fired.
    /// It takes no real time but what its scripts compute.
    pub run_on: Duration,
    /// How many pages are open at a time, 2. A browser takes 0.1 GB with a small page, and a
    /// script's heap may grow to 0.5 GB.
    pub pool: usize,
    /// How long a page may wait for its turn, 30 s.
    pub patience: Duration,
    /// The window's width and height in pixels, 1280 × 2000.
    pub window: (u32, u32),
    /// The height at which a picture of a page is cut off, 10,000 pixels.
    pub tallest: u32,
    /// The length at which a page's HTML is cut off, 5,000,000 UTF-16 units.
    pub longest: usize,
    /// Whether Chromium's own sandbox is used, yes. It needs user namespaces, or Debian's package `chromium-sandbox`; and
    /// it cannot be used by root: see `user`.
    pub is_sandboxed: bool,
    /// The user and group that the browser runs as where this process is root, 65534 (`nobody`). Used with `confine`
    /// only. None: root, and then without Chromium's sandbox.
    pub user: Option<u32>,
}

impl Default for ChromiumSettings {
    fn default() -> Self {
        Self {
            program: None,
            confine: None,
            proxy: None,
            scratch: None,
            deadline: Duration::from_secs(20),
            settle_within: Duration::from_secs(10),
            run_on: Duration::from_secs(5),
            pool: 2,
            patience: Duration::from_secs(30),
            window: (1280, 2000),
            tallest: 10_000,
            longest: 5_000_000,
            is_sandboxed: true,
            user: Some(65_534),
        }
    }
}

/// The first of the browser's usual names that is on `PATH`.
#[must_use]
pub fn installed() -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    let folders: Vec<_> = env::split_paths(&path).collect();
    let found = |name: &str| {
        folders
            .iter()
            .map(|dir| dir.join(name))
            .find(|file| is_program(file))
    };
    NAMES.iter().find_map(|name| found(name))
}

pub(super) fn is_program(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    file.metadata()
        .is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
}
