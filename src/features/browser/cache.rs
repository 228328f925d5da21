//! Pages that were read a moment ago.
//!
//! In memory alone, and without a clock: whoever asks says what time it is. What is too old is never given out; what takes
//! too much room goes, the least recently asked for first.

use std::time::{Duration, Instant};

use lru::LruCache;
use reqwest::Url;

/// How much is kept, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Limits {
    /// From the moment it was read.
    pub(crate) time_to_live: Duration,
    pub(crate) pages: usize,
    /// Of all pages together, as their keepers say what each weighs. A page that is larger than a quarter of it is not kept.
    pub(crate) bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            time_to_live: Duration::from_secs(15 * 60),
            pages: 200,
            bytes: 16 * 1024 * 1024,
        }
    }
}

/// Which page, and what read it: a browser may see another page than who asks over HTTP alone.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    url: String,
    engine: &'static str,
}

impl Key {
    /// The address without its fragment, which no server sees.
    pub(crate) fn new(url: &Url, engine: &'static str) -> Self {
        let mut url = url.clone();
        url.set_fragment(None);
        Self {
            url: url.into(),
            engine,
        }
    }
}

struct Kept<V> {
    page: V,
    bytes: usize,
    read_at: Instant,
}

/// See [the module](self).
pub(crate) struct Cache<V> {
    limits: Limits,
    kept: LruCache<Key, Kept<V>>,
    bytes: usize,
}

impl<V> Cache<V> {
    pub(crate) fn new(limits: Limits) -> Self {
        Self {
            limits,
            kept: LruCache::unbounded(),
            bytes: 0,
        }
    }

    /// The page, and how old it is. One that is too old is forgotten.
    pub(crate) fn get(&mut self, key: &Key, now: Instant) -> Option<(&V, Duration)> {
        let age = now.saturating_duration_since(self.kept.peek(key)?.read_at);
        if age >= self.limits.time_to_live {
            self.remove(key);
            return None;
        }
        let kept = self.kept.get(key)?;
        Some((&kept.page, age))
    }

    /// Keeps a page in place of an older one, and lets others go until there is room.
    pub(crate) fn put(&mut self, key: Key, page: V, bytes: usize, now: Instant) {
        self.remove(&key);
        // Its address takes room too, and may be what takes most.
        let bytes = bytes.saturating_add(key.url.len());
        if bytes > self.limits.bytes / 4 || self.limits.pages == 0 {
            return;
        }
        while self.kept.len() >= self.limits.pages || self.bytes + bytes > self.limits.bytes {
            let Some((_, gone)) = self.kept.pop_lru() else {
                break;
            };
            self.bytes -= gone.bytes;
        }
        self.bytes += bytes;
        let kept = Kept {
            page,
            bytes,
            read_at: now,
        };
        self.kept.put(key, kept);
    }

    fn remove(&mut self, key: &Key) {
        if let Some(gone) = self.kept.pop(key) {
            self.bytes -= gone.bytes;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits {
        time_to_live: Duration::from_secs(60),
        pages: 3,
        bytes: 1000,
    };

    fn key(url: &str) -> Key {
        Key::new(&Url::parse(url).unwrap(), "http")
    }

    fn page(number: u32) -> Key {
        key(&format!("http://a.test/{number}"))
    }

    fn numbers(cache: &mut Cache<u32>, now: Instant) -> Vec<u32> {
        let there = |number: &u32| cache.get(&page(*number), now).is_some();
        (0..10).filter(there).collect()
    }

    #[test]
    fn a_page_is_kept_until_it_is_too_old() {
        let (mut cache, start) = (Cache::new(LIMITS), Instant::now());
        cache.put(page(1), 1, 10, start);
        let late = start + Duration::from_secs(59);
        assert_eq!(cache.get(&page(1), late), Some((&1, late - start)));
        assert_eq!(cache.get(&page(1), start + LIMITS.time_to_live), None);
        assert_eq!((cache.kept.len(), cache.bytes), (0, 0));
    }

    #[test]
    fn asking_does_not_make_it_younger() {
        let (mut cache, start) = (Cache::new(LIMITS), Instant::now());
        cache.put(page(1), 1, 10, start);
        for second in 0..60 {
            assert!(
                cache
                    .get(&page(1), start + Duration::from_secs(second))
                    .is_some()
            );
        }
        assert_eq!(cache.get(&page(1), start + Duration::from_secs(60)), None);
    }

    #[test]
    fn the_least_recently_asked_for_goes_where_there_are_too_many() {
        let (mut cache, now) = (Cache::new(LIMITS), Instant::now());
        for number in 1..=3 {
            cache.put(page(number), number, 10, now);
        }
        assert!(cache.get(&page(1), now).is_some());
        cache.put(page(4), 4, 10, now);
        assert_eq!(numbers(&mut cache, now), [1, 3, 4]);
    }

    #[test]
    fn pages_go_until_there_is_room_for_the_bytes() {
        let limits = Limits {
            pages: 100,
            ..LIMITS
        };
        let (mut cache, now) = (Cache::new(limits), Instant::now());
        for number in 1..=9 {
            cache.put(page(number), number, 200, now);
        }
        assert_eq!(numbers(&mut cache, now), [6, 7, 8, 9]);
        assert!(cache.bytes <= limits.bytes, "{}", cache.bytes);
    }

    #[test]
    fn a_page_that_would_push_out_the_others_is_not_kept() {
        let (mut cache, now) = (Cache::new(LIMITS), Instant::now());
        cache.put(page(1), 1, 10, now);
        cache.put(page(2), 2, 10, now);
        cache.put(page(2), 3, 251, now);
        assert_eq!(numbers(&mut cache, now), [1], "nor is the one it replaced");
    }

    #[test]
    fn the_fragment_makes_no_difference_and_the_rest_does() {
        let (mut cache, now) = (Cache::new(LIMITS), Instant::now());
        cache.put(key("HTTP://A.test:80/x?q=1#top"), 1, 10, now);
        assert!(cache.get(&key("http://a.test/x?q=1#end"), now).is_some());
        assert!(cache.get(&key("http://a.test/x?q=2"), now).is_none());
        let url = Url::parse("http://a.test/x?q=1").unwrap();
        assert!(cache.get(&Key::new(&url, "chromium"), now).is_none());
    }
}
