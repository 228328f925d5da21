use super::*;

/// A unit of time that every rate and every gap here is a multiple of.
const TICK: Duration = Duration::from_secs(1);

fn ticks(count: usize) -> Duration {
    TICK * u32::try_from(count).unwrap()
}

/// Every sequence of `length` numbers below `base`.
fn sequences(base: usize, length: u32) -> impl Iterator<Item = Vec<usize>> {
    (0..base.pow(length)).map(move |number| {
        (0..length)
            .map(|digit| number / base.pow(digit) % base)
            .collect()
    })
}

/// Whether one more at this time keeps to the rate.
fn fits(sent: &[Instant], at: Instant, (messages, per): (usize, Duration)) -> bool {
    sent.iter().filter(|sent| **sent + per > at).count() < messages
}

fn limits(chat: (usize, usize), group: (usize, usize)) -> (Limits, [(usize, Duration); 2]) {
    let rate =
        |(messages, per): (usize, usize)| Rate::new(u32::try_from(messages).unwrap(), ticks(per));
    let limits = Limits {
        chat: rate(chat),
        group: rate(group),
        ..Limits::default()
    };
    (limits, [(chat.0, ticks(chat.1)), (group.0, ticks(group.1))])
}

#[test]
fn a_message_goes_as_early_as_the_rates_allow_and_no_earlier() {
    let start = Instant::now();
    for (chat, group) in [
        ((1, 1), (2, 4)),
        ((1, 3), (9, 1)),
        ((3, 3), (4, 5)),
        ((2, 5), (2, 2)),
    ] {
        let (limits, rates) = limits(chat, group);
        for gaps in sequences(5, 6) {
            let (mut pace, mut sent, mut now) = (ChatPace::new(&limits, true), Vec::new(), start);
            for gap in &gaps {
                now += ticks(*gap);
                let at = pace.next(now);
                let all_fit = |at| rates.iter().all(|rate| fits(&sent, at, *rate));
                assert!(at >= now && all_fit(at), "{chat:?} {group:?} {gaps:?}");
                assert!(
                    at == now || !all_fit(at - TICK),
                    "later than it must be: {chat:?} {group:?} {gaps:?}"
                );
                pace.take(at);
                sent.push(at);
                now = at;
            }
        }
    }
}

#[test]
fn an_idle_pace_decides_as_a_new_one() {
    let start = Instant::now();
    let (limits, _) = limits((2, 3), (3, 5));
    let ahead = |mut pace: ChatPace, now: Instant| {
        (0..4).map(move |_| {
            let at = pace.next(now);
            pace.take(at);
            at
        })
    };
    let mut idle = 0;
    for gaps in sequences(7, 4) {
        let mut pace = ChatPace::new(&limits, true);
        let mut now = start;
        for gap in &gaps[1..] {
            now = pace.next(now + ticks(*gap));
            pace.take(now);
        }
        if gaps[0] == 6 {
            pace.refuse(now + ticks(7));
        }
        now += ticks(gaps[0]);
        if pace.is_idle(now) {
            idle += 1;
            let new = ChatPace::new(&limits, true);
            assert!(ahead(pace, now).eq(ahead(new, now)), "{gaps:?}");
        }
    }
    // Those that end with five ticks of quiet and no refusal.
    assert_eq!(idle, 343);
}

#[test]
fn a_chat_with_a_person_has_no_group_rate() {
    let now = Instant::now();
    let (limits, _) = limits((3, 3), (1, 60));
    let (mut person, mut group) = (ChatPace::new(&limits, false), ChatPace::new(&limits, true));
    person.take(now);
    group.take(now);
    assert_eq!(person.next(now), now);
    assert_eq!(group.next(now), now + ticks(60));
}

#[test]
fn a_refused_chat_waits_for_the_longest_time_that_was_asked() {
    let now = Instant::now();
    let mut pace = ChatPace::new(&Limits::default(), false);
    pace.refuse(now + ticks(5));
    pace.refuse(now + ticks(2));
    assert_eq!(pace.next(now), now + ticks(5));
    assert_eq!(pace.refused_for(now + TICK), ticks(4));
    assert!(!pace.is_idle(now + ticks(4)));
    assert!(pace.is_idle(now + ticks(5)));
    assert_eq!(pace.next(now + ticks(7)), now + ticks(7));
}

#[test]
fn three_refusals_in_a_row_slow_the_bot_down_until_one_is_taken() {
    let now = Instant::now();
    let mut overall = Overall::new(&Limits::default());
    overall.take(now);
    for _ in 0..2 {
        overall.refuse();
        assert_eq!(overall.next(now), now);
    }
    overall.accept();
    for _ in 0..3 {
        assert_eq!(overall.next(now), now);
        overall.refuse();
    }
    assert_eq!(overall.next(now), now + PROBE);
    assert_eq!(overall.next(now + ticks(9)), now + ticks(9));
    overall.take(now + ticks(9));
    assert_eq!(overall.next(now + ticks(9)), now + ticks(9) + PROBE);
    overall.accept();
    assert_eq!(overall.next(now + ticks(9)), now + ticks(9));
}

#[test]
fn rates_out_of_their_range_count_as_its_bounds() {
    let now = Instant::now();
    let window = |rate| {
        let mut window = Window::new(rate);
        window.take(now);
        window.next(now)
    };
    assert_eq!(
        window(Rate::new(0, Duration::ZERO)),
        now + Duration::from_millis(1)
    );
    assert_eq!(
        window(Rate::new(1, Duration::MAX)),
        now + Duration::from_secs(3_600)
    );
    assert_eq!(Rate::new(u32::MAX, TICK).bounded(), (10_000, TICK));
}
