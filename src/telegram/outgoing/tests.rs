//! The limits at work, against a server of the tests' own and in paused time.

use std::collections::VecDeque;
use std::future::{Future, IntoFuture};
use std::pin::pin;

use fastrand::Rng;
use futures::FutureExt;
use futures::future::{BoxFuture, join_all};
use teloxide::requests::{HasPayload, Payload};
use teloxide::types::{ChatId, Recipient};
use tokio::time::{advance, sleep, timeout};

use super::*;

type Answer = Result<(), RequestError>;

/// What the server saw, and what it answers to this chat next; without an answer that was set it takes everything.
#[derive(Clone, Default)]
struct Server(Arc<Mutex<World>>);

#[derive(Default)]
struct World {
    seen: Vec<(Recipient, u32, Instant)>,
    answers: VecDeque<(Recipient, RequestError)>,
    latency: Duration,
}

impl Server {
    fn world(&self) -> MutexGuard<'_, World> {
        self.0.lock().unwrap()
    }

    /// A note to a chat; nothing is sent before its future is polled.
    fn note(&self, chat: i64, number: u32) -> Note {
        self.note_to(ChatId(chat).into(), number)
    }

    fn note_to(&self, chat: Recipient, number: u32) -> Note {
        let server = self.clone();
        Note {
            chat,
            number,
            server,
        }
    }

    fn refuse(&self, chat: i64, seconds: u32) {
        let error = RequestError::RetryAfter(Seconds::from_seconds(seconds));
        self.world().answers.push_back((ChatId(chat).into(), error));
    }

    /// The numbers of the notes of a chat, and how many seconds after `start` each came.
    fn seen(&self, chat: i64, start: Instant) -> Vec<(u32, u64)> {
        let (world, chat) = (self.world(), Recipient::from(ChatId(chat)));
        let of_chat = world.seen.iter().filter(|(to, ..)| *to == chat);
        of_chat
            .map(|(_, number, at)| (*number, (*at - start).as_secs()))
            .collect()
    }
}

/// A request like teloxide's.
struct Note {
    chat: Recipient,
    number: u32,
    server: Server,
}

impl Payload for Note {
    type Output = ();
    const NAME: &'static str = "SendNote";
}

impl ToChat for Note {
    fn chat(&self) -> Recipient {
        self.chat.clone()
    }
}

impl IntoFuture for Note {
    type Output = Answer;
    type IntoFuture = BoxFuture<'static, Answer>;
    fn into_future(self) -> Self::IntoFuture {
        self.send()
    }
}

impl Request for Note {
    type Err = RequestError;
    type Send = BoxFuture<'static, Answer>;
    type SendRef = BoxFuture<'static, Answer>;
    fn send(self) -> Self::Send {
        self.send_ref()
    }
    fn send_ref(&self) -> Self::SendRef {
        let (server, chat, number) = (self.server.clone(), self.payload_ref().chat(), self.number);
        Box::pin(async move {
            let latency = server.world().latency;
            let seen = (chat.clone(), number, Instant::now());
            server.world().seen.push(seen);
            sleep(latency).await;
            let mut world = server.world();
            let index = world.answers.iter().position(|(to, _)| *to == chat);
            let error = index.and_then(|index| world.answers.remove(index));
            error.map_or(Ok(()), |(_, error)| Err(error))
        })
    }
}

fn per_second(messages: u32) -> Rate {
    Rate::new(messages, Duration::from_secs(1))
}

/// Polls a future once.
fn is_pending(future: &mut (impl Future + Unpin)) -> bool {
    future.now_or_never().is_none()
}

#[tokio::test(start_paused = true)]
async fn a_refused_chat_waits_and_holds_up_no_other_one() {
    let (server, outgoing, start) = (Server::default(), Outgoing::default(), Instant::now());
    server.refuse(1, 5);
    let refused = outgoing.send(server.note(1, 1));
    let mut refused = pin!(refused);
    assert!(is_pending(&mut refused));
    for chat in 2..20 {
        let other = timeout(Duration::from_secs(1), outgoing.send(server.note(chat, 1)));
        other.await.unwrap().unwrap();
        assert_eq!(server.seen(chat, start), [(1, 0)]);
    }
    refused.await.unwrap();
    assert_eq!(server.seen(1, start), [(1, 0), (1, 5)]);
}

#[tokio::test(start_paused = true)]
async fn a_chats_messages_keep_their_order_through_a_refusal() {
    let (server, outgoing, start) = (Server::default(), Outgoing::default(), Instant::now());
    server.world().latency = Duration::from_millis(100);
    server.refuse(1, 5);
    let all = (1..=5).map(|number| outgoing.send(server.note(1, number)));
    let all = join_all(all).await;
    assert!(all.iter().all(Result::is_ok));
    let numbers = server.seen(1, start);
    assert_eq!(numbers, [(1, 0), (1, 5), (2, 5), (3, 5), (4, 8), (5, 8)]);
}

#[tokio::test(start_paused = true)]
async fn after_the_last_retry_the_error_goes_to_the_caller() {
    let (server, outgoing, start) = (Server::default(), Outgoing::default(), Instant::now());
    (0..9).for_each(|_| server.refuse(1, 10));
    let end = outgoing.send(server.note(1, 1)).await;
    assert!(matches!(end, Err(RequestError::RetryAfter(_))));
    let times = server.seen(1, start);
    assert_eq!(times, [(1, 0), (1, 10), (1, 20), (1, 30)]);
}

#[tokio::test(start_paused = true)]
async fn what_is_to_wait_for_too_long_fails_at_once_and_is_not_asked_again() {
    let (server, outgoing) = (Server::default(), Outgoing::default());
    server.refuse(1, 3_600);
    let (start, hour) = (Instant::now(), Seconds::from_seconds(3_600));
    let end = outgoing.send(server.note(1, 1)).await;
    assert!(matches!(end, Err(RequestError::RetryAfter(time)) if time == hour));
    advance(Duration::from_millis(600_500)).await;
    let left = Seconds::from_seconds(3_000);
    let end = outgoing.send(server.note(1, 2)).await;
    assert!(matches!(end, Err(RequestError::RetryAfter(time)) if time == left));
    advance(Duration::from_secs(2_950)).await;
    outgoing.send(server.note(1, 3)).await.unwrap();
    assert_eq!(server.seen(1, start), [(1, 0), (3, 3_600)]);
}

#[tokio::test(start_paused = true)]
async fn nothing_but_a_429_is_sent_again() {
    let (server, outgoing, start) = (Server::default(), Outgoing::default(), Instant::now());
    let error = RequestError::Io(Arc::new(std::io::Error::other("broken off")));
    server.world().answers.push_back((ChatId(1).into(), error));
    let end = outgoing.send(server.note(1, 1)).await;
    assert!(matches!(end, Err(RequestError::Io(_))));
    assert_eq!(server.seen(1, start).len(), 1);
}

/// After notes to these chats, brings a waiter to one of its waits, and drops it there with who waits behind it. Says
/// when the next note to its chat and one to another chat could go.
async fn after_a_drop(prepare: impl Fn(&Server), before: &[i64]) -> [Vec<(u32, u64)>; 2] {
    let (server, start) = (Server::default(), Instant::now());
    let outgoing = Outgoing::new(Limits {
        overall: Rate::new(4, Duration::from_secs(20)),
        chat: Rate::new(2, Duration::from_secs(10)),
        ..Limits::default()
    });
    prepare(&server);
    for chat in before {
        outgoing.send(server.note(*chat, 1)).await.unwrap();
    }
    {
        let waiter = outgoing.send(server.note(1, 100));
        let mut waiter = pin!(waiter);
        assert!(is_pending(&mut waiter));
        let behind = outgoing.send(server.note(1, 101));
        let mut behind = pin!(behind);
        assert!(is_pending(&mut behind));
    }
    let next = outgoing.send(server.note(1, 200));
    let other = outgoing.send(server.note(9, 200));
    let (next, other) = tokio::join!(next, other);
    assert!(next.is_ok() && other.is_ok());
    let last = |chat| {
        let mut seen = server.seen(chat, start);
        seen.split_off(seen.len() - 1)
    };
    [last(1), last(9)]
}

#[tokio::test(start_paused = true)]
async fn who_is_dropped_while_waiting_leaves_nothing_behind() {
    // At the chat's pace: two have gone to it, so the next may go when ten seconds are over.
    let none = |_: &Server| ();
    assert_eq!(after_a_drop(none, &[1, 1]).await, [[(200, 10)], [(200, 0)]]);
    // At the bot's pace: four have gone in all.
    let four = after_a_drop(none, &[2, 2, 3, 3]).await;
    assert_eq!(four, [[(200, 20)], [(200, 20)]]);
    // After a refusal; that one is counted, because it was sent.
    let refused = |server: &Server| server.refuse(1, 7);
    assert_eq!(after_a_drop(refused, &[]).await, [[(200, 7)], [(200, 0)]]);
    // While the server is asked.
    let slow = |server: &Server| server.world().latency = Duration::from_millis(1);
    assert_eq!(after_a_drop(slow, &[]).await, [[(200, 0)], [(200, 0)]]);
}

#[tokio::test(start_paused = true)]
async fn many_chats_share_the_rate_and_each_gets_its_turn() {
    let (server, start) = (Server::default(), Instant::now());
    let outgoing = Outgoing::new(Limits {
        overall: per_second(10),
        chat: per_second(1),
        ..Limits::default()
    });
    // One chat wants a lot, and was first.
    let greedy = (0..30).map(|number| outgoing.send(server.note(1, number)));
    let others = (2..=41).map(|chat| outgoing.send(server.note(chat, 0)));
    let (greedy, others) = tokio::join!(join_all(greedy), join_all(others));
    assert!(greedy.iter().chain(&others).all(Result::is_ok));
    let last = server.seen(41, start)[0].1;
    assert!(last <= 4, "the last of 40 others had to wait for {last} s");
    let of_greedy = server.seen(1, start);
    // It gave way to everybody who came meanwhile, and then had one a second.
    let rest = (1..30).map(|number| (number, u64::from(number) + 3));
    assert!(of_greedy.into_iter().eq([(0, 0)].into_iter().chain(rest)));
}

#[tokio::test(start_paused = true)]
async fn whatever_is_asked_in_whatever_order_no_limit_is_broken() {
    for seed in 0..30 {
        let mut random = Rng::with_seed(seed);
        let (server, limits) = (Server::default(), Limits::default());
        let outgoing = Outgoing::new(limits);
        server.world().latency = Duration::from_millis(random.u64(0..300));
        let senders = (0..200).map(|number| {
            let chat = random.i64(-4..=20);
            if random.u32(0..40) == 0 {
                server.refuse(chat, random.u32(0..9));
            }
            let at = Duration::from_millis(random.u64(0..20_000));
            // Some lose patience.
            let patience = Duration::from_millis(random.u64(0..200_000));
            let sent = outgoing.send(server.note(chat, number));
            async move {
                sleep(at).await;
                let _ = timeout(patience, sent).await;
            }
        });
        join_all(senders).await;
        let world = server.world();
        let times = |wanted: &dyn Fn(i64) -> bool| {
            let of = |to: &Recipient| matches!(to, Recipient::Id(id) if wanted(id.0));
            let seen = world.seen.iter().filter(|(to, ..)| of(to));
            seen.map(|(.., at)| *at).collect::<Vec<_>>()
        };
        assert_kept(&times(&|_| true), limits.overall);
        for chat in -4..=20 {
            let of_chat = times(&|id| id == chat);
            assert_kept(&of_chat, limits.chat);
            if chat < 0 {
                assert_kept(&of_chat, limits.group);
            }
        }
    }
}

/// No span of the rate has more than it says.
#[track_caller]
fn assert_kept(times: &[Instant], rate: Rate) {
    let (messages, per) = rate.bounded();
    for span in times.windows(messages + 1) {
        let took = span[messages] - span[0];
        assert!(took >= per, "{} messages in {took:?}", messages + 1);
    }
}

#[tokio::test(start_paused = true)]
async fn idle_chats_are_forgotten_and_no_others_are() {
    let server = Server::default();
    let outgoing = Outgoing::new(Limits {
        overall: per_second(1_000),
        ..Limits::default()
    });
    server.refuse(1, 50);
    let refused = outgoing.send(server.note(1, 1));
    let mut refused = pin!(refused);
    assert!(is_pending(&mut refused));
    // This one is in nobody's hands, but is not to be asked again for an hour.
    server.refuse(-1, 3_600);
    assert!(outgoing.send(server.note(-1, 1)).await.is_err());
    for chat in 2..40_000 {
        outgoing.send(server.note(chat, 1)).await.unwrap();
    }
    // Three seconds of a thousand a second are in use, and twice as many are kept.
    let known = outgoing.0.chats.len();
    assert!(known <= 6_002, "{known} chats are remembered");
    assert!(outgoing.send(server.note(-1, 2)).await.is_err());
    let behind = outgoing.send(server.note(1, 2));
    let (first, second) = tokio::join!(refused, behind);
    assert!(first.is_ok() && second.is_ok());
    let seen = server.world().seen.clone();
    let to_first = seen.iter().filter(|(to, ..)| *to == ChatId(1).into());
    let numbers: Vec<_> = to_first.map(|(_, number, _)| *number).collect();
    assert_eq!(numbers, [1, 1, 2]);
}

#[tokio::test(start_paused = true)]
async fn a_name_is_a_chat_and_a_channel_in_whatever_case_it_is_written() {
    let (server, start) = (Server::default(), Instant::now());
    let outgoing = Outgoing::new(Limits {
        group: per_second(1),
        ..Limits::default()
    });
    for name in ["@News", "@news", "@other"] {
        let name = Recipient::ChannelUsername(name.to_owned());
        outgoing.send(server.note_to(name, 1)).await.unwrap();
    }
    let seen = server.world().seen.clone();
    let times: Vec<_> = seen
        .iter()
        .map(|(.., at)| (*at - start).as_secs())
        .collect();
    assert_eq!(times, [0, 1, 1]);
}

#[tokio::test(start_paused = true)]
async fn a_bot_that_is_refused_everywhere_asks_once_a_second() {
    let (server, outgoing, start) = (Server::default(), Outgoing::default(), Instant::now());
    (1..=100).for_each(|chat| server.refuse(chat, 20));
    let one_by_one = async {
        for chat in 1..=3 {
            let refused = timeout(Duration::ZERO, outgoing.send(server.note(chat, 1)));
            assert!(refused.await.is_err());
        }
        let others = (4..=100)
            .map(|chat| timeout(Duration::from_secs(10), outgoing.send(server.note(chat, 1))));
        join_all(others).await;
    };
    one_by_one.await;
    let asked = server.world().seen.len();
    assert!(
        (12..=14).contains(&asked),
        "{asked} requests in ten seconds"
    );
    // One is taken, and the others go as fast as ever.
    server.world().answers.clear();
    advance(Duration::from_secs(30)).await;
    let back = Instant::now();
    let all = (200..=229).map(|chat| outgoing.send(server.note(chat, 1)));
    assert!(join_all(all).await.iter().all(Result::is_ok));
    assert!(
        back.elapsed() <= Duration::from_secs(1),
        "{:?}",
        start.elapsed()
    );
}

#[tokio::test(start_paused = true)]
async fn a_call_about_a_chat_waits_for_none_of_its_messages() {
    let (server, start) = (Server::default(), Instant::now());
    let outgoing = Outgoing::default();
    let group = -5;
    let messages = (0..30).map(|n| outgoing.send(server.note(group, n)));
    let calls = (100..130).map(|n| outgoing.call(ChatId(group), server.note(group, n)));
    let (sent, called) = tokio::join!(join_all(messages), join_all(calls));
    assert!(sent.iter().chain(&called).all(Result::is_ok));
    let seen = server.seen(group, start);
    let calls: Vec<_> = seen.iter().filter(|(number, _)| *number >= 100).collect();
    assert!(calls.is_sorted(), "in order");
    assert!(
        calls.iter().all(|(_, at)| *at <= 1),
        "within the bot's rate: {calls:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_refused_is_made_again_and_holds_up_calls_about_its_chat_alone() {
    let (server, start) = (Server::default(), Instant::now());
    let outgoing = Outgoing::default();
    server.refuse(-5, 7);
    let (first, second, other) = tokio::join!(
        outgoing.call(ChatId(-5), server.note(-5, 1)),
        outgoing.call(ChatId(-5), server.note(-5, 2)),
        outgoing.call(ChatId(-6), server.note(-6, 3)),
    );
    assert!(first.is_ok() && second.is_ok() && other.is_ok());
    assert_eq!(server.seen(-5, start), [(1, 0), (1, 7), (2, 7)]);
    assert_eq!(server.seen(-6, start), [(3, 0)]);
}

/// How many of these may be left out and were not.
#[tokio::test(start_paused = true)]
async fn who_can_come_back_waits_no_longer_than_they_say_and_is_told_when_to_come() {
    let (server, outgoing) = (Server::default(), Outgoing::default());
    let start = Instant::now();
    let short = Duration::from_secs(3);
    server.refuse(7, 2);
    let sent = outgoing.send_within(short, server.note(7, 1)).await;
    assert!(sent.is_ok(), "{sent:?}");
    assert_eq!(server.seen(7, start), [(1, 0), (1, 2)]);
    server.refuse(7, 50);
    for asked in [50, 50] {
        // The second time nothing is sent.
        let refused = outgoing.send_within(short, server.note(7, 2)).await;
        assert!(
            matches!(refused, Err(RequestError::RetryAfter(wait)) if wait.seconds() == asked),
            "{refused:?}"
        );
    }
    assert_eq!(server.seen(7, start).len(), 3);
    assert_eq!(
        (Instant::now() - start).as_secs(),
        2,
        "nobody waits for 50 s"
    );
}

#[tokio::test(start_paused = true)]
async fn who_can_come_back_does_not_wait_behind_those_who_wait_for_long() {
    let (server, outgoing) = (Server::default(), Outgoing::default());
    server.refuse(7, 50);
    let mut patient = Box::pin(outgoing.send(server.note(7, 1)));
    assert!(is_pending(&mut patient));
    let start = Instant::now();
    let short = Duration::from_secs(3);
    let refused = outgoing.send_within(short, server.note(7, 2)).await;
    assert!(
        matches!(refused, Err(RequestError::RetryAfter(_))),
        "{refused:?}"
    );
    assert_eq!(Instant::now() - start, short);
    assert!(patient.await.is_ok(), "and holds up none of them");
}

async fn sent_now(outgoing: &Outgoing, notes: impl IntoIterator<Item = Note>) -> usize {
    let mut sent = 0;
    for note in notes {
        sent += usize::from(outgoing.send_now(note).await.unwrap().is_some());
    }
    sent
}

#[tokio::test(start_paused = true)]
async fn what_may_be_left_out_leaves_room_for_what_must_arrive() {
    let (server, outgoing, start) = (Server::default(), Outgoing::default(), Instant::now());
    let server = &server;
    let notes = |chat| (1..=9).map(move |number| server.note(chat, number));
    assert_eq!(sent_now(&outgoing, notes(1)).await, 2);
    outgoing.send(server.note(1, 10)).await.unwrap();
    assert_eq!(start.elapsed(), Duration::ZERO);
    // In a group there are 15 a minute, and then five that must arrive find room at once.
    for _ in 0..30 {
        sent_now(&outgoing, notes(-1)).await;
        advance(Duration::from_millis(1_500)).await;
    }
    assert_eq!(server.seen(-1, start).len(), 15);
    let before = Instant::now();
    for number in 0..3 {
        outgoing.send(server.note(-1, number)).await.unwrap();
    }
    assert_eq!(before.elapsed(), Duration::ZERO);
    // All of them together leave a quarter of the bot's rate.
    advance(Duration::from_secs(100)).await;
    let everywhere = (100..200).map(|chat| server.note(chat, 1));
    assert_eq!(sent_now(&outgoing, everywhere).await, 23);
}

#[tokio::test(start_paused = true)]
async fn what_may_be_left_out_waits_for_nobody() {
    let (server, outgoing, start) = (Server::default(), Outgoing::default(), Instant::now());
    server.world().latency = Duration::from_secs(1);
    let first = outgoing.send(server.note(1, 1));
    let mut first = pin!(first);
    assert!(is_pending(&mut first));
    let preview = outgoing.send_now(server.note(1, 2)).now_or_never();
    assert!(matches!(preview, Some(Ok(None))));
    first.await.unwrap();
    assert_eq!(server.seen(1, start), [(1, 0)]);
    // The next in line has the turn until the answer.
    let preview = outgoing.send_now(server.note(1, 3));
    let last = outgoing.send(server.note(1, 4));
    let (preview, last) = tokio::join!(preview, last);
    assert!(preview.unwrap().is_some() && last.is_ok());
    assert_eq!(server.seen(1, start), [(1, 0), (3, 1), (4, 2)]);
}

#[tokio::test(start_paused = true)]
async fn a_refusal_of_what_may_be_left_out_is_kept_to_and_is_no_error() {
    let (server, outgoing, start) = (Server::default(), Outgoing::default(), Instant::now());
    server.refuse(1, 5);
    assert_eq!(sent_now(&outgoing, [server.note(1, 1)]).await, 0);
    advance(Duration::from_secs(4)).await;
    assert_eq!(sent_now(&outgoing, [server.note(1, 2)]).await, 0);
    outgoing.send(server.note(1, 3)).await.unwrap();
    assert_eq!(server.seen(1, start), [(1, 0), (3, 5)]);
    // Three in a row may mean the bot, and then nothing goes that need not.
    for chat in 2..=4 {
        server.refuse(chat, 1);
        assert_eq!(sent_now(&outgoing, [server.note(chat, 1)]).await, 0);
    }
    advance(Duration::from_secs(9)).await;
    assert_eq!(sent_now(&outgoing, [server.note(9, 1)]).await, 0);
    outgoing.send(server.note(9, 2)).await.unwrap();
    assert_eq!(sent_now(&outgoing, [server.note(9, 3)]).await, 1);
    // Other errors are the caller's.
    let error = RequestError::Io(Arc::new(std::io::Error::other("broken off")));
    server.world().answers.push_back((ChatId(7).into(), error));
    let end = outgoing.send_now(server.note(7, 1)).await;
    assert!(matches!(end, Err(RequestError::Io(_))));
}

#[tokio::test(start_paused = true)]
async fn a_rate_of_one_message_has_no_room_for_what_may_be_left_out() {
    let server = Server::default();
    let outgoing = Outgoing::new(Limits {
        chat: per_second(1),
        ..Limits::default()
    });
    assert_eq!(sent_now(&outgoing, [server.note(1, 1)]).await, 0);
    outgoing.send(server.note(1, 2)).await.unwrap();
}
