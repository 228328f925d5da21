//! Pages in a real browser: headless Chromium.
//!
//! ```text
//!  Chromium::dom, shot ─→ a turn in the pool ─→ keeper, a thread ─→ sundown confine ─→ sh ─→ chromium
//!     │                                          │  starts it        dies with us, limits   │ a process group,
//!     │                                          │  buries it                               │ a profile of its own
//!     └────────────── DevTools protocol, through two pipes ─────────────────────────────────┘
//!  dropped, or at the deadline: the group is killed at once; the keeper waits for its end and removes the profile
//! ```
//!
//! **Authority**: whoever holds the future of a page. With it goes everything that the page has started.
//!
//! Invariants:
//! - One browser a page, in a process group of its own, with a profile that nobody used before.
//! - Nothing outlives the future: not at its deadline, not when it is dropped, not when this process is killed. Chromium
//!   dies by the signal that the kernel sends on this process's death, and by the end of its pipe; either is enough.
//! - Only http and https. With a proxy, everything goes through it, loopback included.
//! - No port: what speaks to the browser is a pipe that nobody else has.
//! - Dialogs are dismissed, downloads refused, other pages that a page opens closed; also while nobody takes a step.
//! - A browser that has about 1 GiB on the disk is killed (`disk`).
//! - Of what a browser says nothing is told once it has come to a page, for it may be the page's.
//! - As root, the browser is another user, for it cannot use its own sandbox otherwise.
//!
//! What a folder of profiles keeps after a SIGKILL of this process is removed by the next one (`scratch`).
//!
//! Not done here: deciding which addresses may be reached (the proxy's duty); a limit on memory other than that of a
//! script's heap, 512 MB, and that the browser is the first to go where the machine has no more; waiting for processes
//! that a killed browser leaves to process 1, which in a container wants an init.

mod complaints;
mod disk;
mod error;
mod keeper;
mod launch;
mod pages;
mod scratch;
mod session;
mod settings;
mod tab;
mod way;
mod wire;

pub use error::PageError;
pub use pages::{Chromium, Dumped, Shot};
pub use session::{Outline, Rooms, SessionSettings, Sessions, sessions};
pub use settings::{ChromiumSettings, installed};
