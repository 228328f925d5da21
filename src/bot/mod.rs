//! What features see: teloxide's updates and handlers, dispatched so that their end is known.
//!
//! teloxide's own dispatcher cannot say when the handler of an update has completed, and so cannot acknowledge
//! after it. Here each update is parsed and its handler tree awaited by hand; the lane it came from learns how it
//! ended.
//!
//! ```text
//!  lanes ── entry ──→ parse ──→ handler.dispatch(Bot, Me, Update, State, Verdict, yours)
//!                                 ├ Break(Ok)  done with what its State changes, or as its Verdict says
//!                                 ├ Break(Err) parked
//!                                 └ Continue   nobody took it: done
//! ```

mod dispatch;
mod me;
mod state;
mod timer;
mod verdict;

pub use dispatch::{Dispatch, UpdateHandler};
pub use state::State;
pub use timer::Timer;
pub use verdict::Verdict;
