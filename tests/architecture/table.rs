//! The table. ARCHITECTURE.md shows it, and explains it.

/// A room and the rooms it may import. What is not listed is forbidden. `*` means every room.
pub(crate) const MAY_IMPORT: [(&str, &[&str]); 13] = [
    ("cli", &["config", "app", "telemetry", "lifecycle"]),
    ("app", &["*"]),
    (
        "features",
        &[
            "bot",
            "ai",
            "store",
            "http",
            "telegram::outgoing",
            "lifecycle",
        ],
    ),
    ("bot", &["lanes", "telegram", "store", "lifecycle"]),
    ("telegram", &["store", "lifecycle"]),
    ("lanes", &["store", "lifecycle"]),
    ("http", &["lifecycle"]),
    ("ai", &["lifecycle"]),
    ("store", &["lifecycle"]),
    ("sandbox", &["lifecycle"]),
    ("config", &[]),
    ("telemetry", &[]),
    ("lifecycle", &[]),
];

/// What features have in common: it knows none of them.
pub(crate) const SHARED: [&str; 4] = ["errors", "kinds", "moment", "origin"];

/// What the generic core may use of other packages.
pub(crate) const LIFECYCLE_MAY_USE: [&str; 8] = [
    "std",
    "tokio",
    "tokio_util",
    "tokio_stream",
    "tracing",
    "rustix",
    "signal_hook",
    "signal_hook_tokio",
];
