//! Who is next: a queue for every lane that has work, and the lanes' turns.

use std::collections::{HashMap, VecDeque};

use crate::store::{BotId, Entry, LaneKey, Pos};

/// A lane among those of all bots: what one bot's chat is busy with is nothing to another bot.
pub(super) type LaneId = (BotId, LaneKey);

pub(super) fn lane_of(entry: &Entry) -> LaneId {
    (entry.bot, entry.lane)
}

/// Entries that wait, by lane. A lane is known while it has entries or a handler runs for it.
pub(super) struct Board {
    lanes: HashMap<LaneId, Lane>,
    /// Lanes with an entry and no running handler, each once, in the order of their turns.
    turns: VecDeque<LaneId>,
    /// Lanes whose turn has come, and whose entry is a suspect while another suspect runs.
    suspended: VecDeque<LaneId>,
    /// The lane of the suspect that runs.
    suspect: Option<LaneId>,
    /// Lanes that want entries from disk, each once.
    hungry: VecDeque<LaneId>,
    /// Entries of a lane that are held in memory at most.
    lane_max: usize,
    held: usize,
    on_disk: usize,
}

#[derive(Default)]
struct Lane {
    queue: VecDeque<Entry>,
    /// What waits behind the queue and was left on disk.
    rest: VecDeque<Pos>,
    is_running: bool,
    /// It is hungry, or is being fed.
    is_asking: bool,
}

impl Board {
    pub(super) fn new(lane_max: usize) -> Self {
        Self {
            lanes: HashMap::new(),
            turns: VecDeque::new(),
            suspended: VecDeque::new(),
            suspect: None,
            hungry: VecDeque::new(),
            lane_max: lane_max.max(1),
            held: 0,
            on_disk: 0,
        }
    }

    /// Entries that wait in memory.
    pub(super) fn held(&self) -> usize {
        self.held
    }

    /// Entries that wait on disk and are known here by their position.
    pub(super) fn on_disk(&self) -> usize {
        self.on_disk
    }

    pub(super) fn is_empty(&self) -> bool {
        self.held == 0 && self.on_disk == 0
    }

    pub(super) fn add(&mut self, entry: Entry) {
        let key = lane_of(&entry);
        let lane = self.lanes.entry(key).or_default();
        if lane.queue.len() >= self.lane_max || !lane.rest.is_empty() || lane.is_asking {
            lane.rest.push_back(entry.pos);
            self.on_disk += 1;
            return;
        }
        if lane.queue.is_empty() && !lane.is_running {
            self.turns.push_back(key);
        }
        lane.queue.push_back(entry);
        self.held += 1;
    }

    /// Puts an entry back to where it was taken from: its lane is free again, and it is next there.
    pub(super) fn put_back(&mut self, entry: Entry) {
        let key = lane_of(&entry);
        if let Some(lane) = self.lanes.get_mut(&key) {
            lane.queue.push_front(entry);
            self.held += 1;
        }
        self.finished(key);
    }

    /// The next entry whose lane is free; the lane is taken until [`finished`](Self::finished).
    pub(super) fn take(&mut self) -> Option<Entry> {
        loop {
            let key = self.turns.pop_front()?;
            let lane = self.lanes.get_mut(&key)?;
            let is_suspect = lane.queue.front()?.attempts > 0;
            if is_suspect && self.suspect.is_some() {
                self.suspended.push_back(key);
                continue;
            }
            let entry = lane.queue.pop_front()?;
            lane.is_running = true;
            self.held -= 1;
            if is_suspect {
                self.suspect = Some(key);
            }
            if lane.queue.len() <= self.lane_max / 4 && !lane.rest.is_empty() && !lane.is_asking {
                lane.is_asking = true;
                self.hungry.push_back(key);
            }
            return Some(entry);
        }
    }

    /// The process survived this lane's handler: the next suspect may run.
    pub(super) fn acquit(&mut self, key: LaneId) {
        if self.suspect == Some(key) {
            self.suspect = None;
            self.turns.extend(self.suspended.pop_front());
        }
    }

    /// The handler of this lane has ended.
    pub(super) fn finished(&mut self, key: LaneId) {
        self.acquit(key);
        let Some(lane) = self.lanes.get_mut(&key) else {
            return;
        };
        lane.is_running = false;
        if !lane.queue.is_empty() {
            self.turns.push_back(key);
        } else if lane.rest.is_empty() && !lane.is_asking {
            self.lanes.remove(&key);
        }
    }

    /// What is to be read from disk now, at most so many: for each lane that is hungry, its next positions.
    pub(super) fn wanted(&mut self, max: usize) -> Vec<(LaneId, Vec<Pos>)> {
        let (mut wanted, mut left) = (Vec::new(), max);
        while left > 0
            && let Some(key) = self.hungry.pop_front()
        {
            let Some(lane) = self.lanes.get_mut(&key) else {
                continue;
            };
            let room = self.lane_max.saturating_sub(lane.queue.len()).max(1);
            let count = lane.rest.len().min(room).min(left);
            let positions: Vec<Pos> = lane.rest.drain(..count).collect();
            self.on_disk -= count;
            left -= count;
            wanted.push((key, positions));
        }
        wanted
    }

    /// Takes in what was wanted for these lanes; what is no longer on disk is not missed.
    pub(super) fn feed(&mut self, lanes: &[LaneId], entries: Vec<Entry>) {
        for entry in entries {
            let key = lane_of(&entry);
            if let Some(lane) = self.lanes.get_mut(&key) {
                if lane.queue.is_empty() && !lane.is_running {
                    self.turns.push_back(key);
                }
                lane.queue.push_back(entry);
                self.held += 1;
            }
        }
        for key in lanes {
            let Some(lane) = self.lanes.get_mut(key) else {
                continue;
            };
            lane.is_asking = false;
            if lane.queue.is_empty() && !lane.rest.is_empty() {
                // Nothing of what was wanted is there any more; there is more behind it.
                lane.is_asking = true;
                self.hungry.push_back(*key);
            } else if lane.queue.is_empty() && !lane.is_running {
                self.lanes.remove(key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::store::{Origin, UpdateId};

    fn entry(pos: i64, lane: i64) -> Entry {
        Entry {
            pos: Pos(pos),
            bot: BotId(1),
            lane: LaneKey(lane),
            origin: Origin::Update(UpdateId(pos)),
            body: Arc::from("{}"),
            attempts: 0,
        }
    }

    fn lane(key: i64) -> LaneId {
        (BotId(1), LaneKey(key))
    }

    fn suspect(pos: i64, lane: i64) -> Entry {
        Entry {
            attempts: 1,
            ..entry(pos, lane)
        }
    }

    fn next(board: &mut Board) -> Option<i64> {
        board.take().map(|entry| entry.pos.0)
    }

    #[test]
    fn a_long_queue_stays_on_disk_and_is_read_in_order() {
        let mut board = Board::new(4);
        (1..=20).for_each(|pos| board.add(entry(pos, 7)));
        assert_eq!((board.held(), board.on_disk()), (4, 16));
        let mut seen = Vec::new();
        while !board.is_empty() {
            if let Some(pos) = next(&mut board) {
                seen.push(pos);
                board.finished(lane(7));
            }
            let wanted = board.wanted(100);
            let lanes: Vec<_> = wanted.iter().map(|(lane, _)| *lane).collect();
            let positions = wanted.into_iter().flat_map(|(_, positions)| positions);
            board.feed(&lanes, positions.map(|pos| entry(pos.0, 7)).collect());
            assert!(board.held() <= 4 + 1);
        }
        assert_eq!(seen, Vec::from_iter(1..=20));
        assert!(board.lanes.is_empty(), "nothing is remembered of it");
    }

    #[test]
    fn what_comes_while_a_lane_is_fed_stays_behind_what_it_is_fed() {
        let mut board = Board::new(2);
        (1..=4).for_each(|pos| board.add(entry(pos, 7)));
        assert_eq!(next(&mut board), Some(1));
        board.finished(lane(7));
        assert_eq!(next(&mut board), Some(2));
        board.finished(lane(7));
        let wanted = board.wanted(100);
        assert_eq!(wanted, [(lane(7), vec![Pos(3), Pos(4)])]);
        board.add(entry(5, 7));
        board.feed(&[lane(7)], vec![entry(3, 7), entry(4, 7)]);
        assert_eq!(next(&mut board), Some(3));
    }

    #[test]
    fn what_is_gone_from_the_disk_holds_nobody_up() {
        let mut board = Board::new(1);
        (1..=3).for_each(|pos| board.add(entry(pos, 7)));
        assert_eq!(next(&mut board), Some(1));
        board.finished(lane(7));
        assert_eq!(board.wanted(1), [(lane(7), vec![Pos(2)])]);
        board.feed(&[lane(7)], Vec::new());
        assert_eq!(board.wanted(1), [(lane(7), vec![Pos(3)])]);
        board.feed(&[lane(7)], vec![entry(3, 7)]);
        assert_eq!(next(&mut board), Some(3));
    }

    #[test]
    fn suspects_run_one_at_a_time_and_others_beside_them() {
        let mut board = Board::new(9);
        board.add(suspect(1, 1));
        board.add(suspect(2, 2));
        board.add(entry(3, 3));
        board.add(suspect(4, 4));
        assert_eq!(next(&mut board), Some(1));
        assert_eq!(next(&mut board), Some(3));
        assert_eq!(next(&mut board), None);
        board.finished(lane(3));
        assert_eq!(next(&mut board), None);
        board.finished(lane(1));
        assert_eq!(next(&mut board), Some(2));
        assert_eq!(next(&mut board), None);
        board.finished(lane(2));
        assert_eq!(next(&mut board), Some(4));
    }

    #[test]
    fn what_is_put_back_is_next_in_its_lane() {
        let mut board = Board::new(9);
        board.add(entry(1, 7));
        board.add(entry(2, 7));
        let first = board.take().unwrap();
        assert_eq!(next(&mut board), None);
        board.put_back(first);
        assert_eq!(next(&mut board), Some(1));
    }
}
