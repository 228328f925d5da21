use std::time::Duration;

use super::super::case::Status;
use super::*;

fn case(route: Route, ending: Option<Status>) -> Case {
    Case {
        chat: -5,
        user: 7,
        name: "Ada".to_owned(),
        status: Status::Pending,
        route,
        opened: Moment(1_000),
        came: Moment(1_000),
        allowance: Duration::from_secs(60),
        warnings: 3,
        attempts: 3,
        challenge: None,
        asked: None,
        is_unreachable: false,
        is_muted: false,
        ending,
        ended: None,
    }
}

#[test]
fn what_was_to_be_done_is_done_under_the_new_number() {
    let asks = Route::Requested { write_to: 7 };
    let rejected = Some(Status::Rejected);
    let deeds = [
        (Route::Joined, None, Some(Deed::Mute)),
        (Route::Joined, rejected, Some(Deed::Remove)),
        (asks, None, None),
        (asks, rejected, Some(Deed::Decline)),
    ];
    for (route, ending, deed) in deeds {
        assert_eq!(to_do(&case(route, ending)), deed, "{route:?} {ending:?}");
    }
}

#[test]
fn what_is_on_its_way_follows_the_group_but_not_what_is_about_a_message() {
    let due = Work::Due { chat: -5, user: 7 };
    assert_eq!(due.follows(), Some(-5));
    assert_eq!(
        due.in_group(-100),
        Work::Due {
            chat: -100,
            user: 7
        }
    );
    let delete = Work::delete(-5, 3);
    assert_eq!(delete.follows(), None);
}
