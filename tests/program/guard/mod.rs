//! The guard in the real process, against the sandbox over HTTP.

mod scans;
