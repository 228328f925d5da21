use super::super::super::case::Route;
use super::super::super::group::Settings;
use super::*;

const NOW: Moment = Moment(1_000_000);

fn case(user: i64, warnings: u8) -> Case {
    Case {
        chat: -1,
        user,
        name: String::new(),
        status: Status::Pending,
        route: Route::Joined,
        opened: Moment(user.unsigned_abs()),
        came: Moment(1_000),
        allowance: Duration::from_secs(60),
        warnings,
        attempts: 3,
        challenge: None,
        asked: None,
        is_unreachable: false,
        is_muted: false,
        ending: None,
        ended: None,
    }
}

fn scan(warnings: &[u8]) -> Scan {
    let cases: Vec<Case> = (1..)
        .zip(warnings)
        .map(|(user, left)| case(user, *left))
        .collect();
    Scan::new(1, Vec::new(), NOW, &cases)
}

/// The stages, as if nobody were there any more when they are to be removed.
fn stages(warnings: &[u8]) -> Vec<Stage> {
    let mut scan = scan(warnings);
    let mut stages = vec![scan.stage];
    while scan.stage != Stage::Over {
        scan.advance();
        stages.push(scan.stage);
        if scan.stage == Stage::Removing {
            scan.to_remove.pop_front();
        }
    }
    stages
}

#[test]
fn stages_for_which_there_is_nobody_are_left_out() {
    use Stage::{Listing, Muting, Noticing, Over, Removing};
    assert_eq!(stages(&[]), [Muting, Over]);
    assert_eq!(stages(&[3, 1]), [Muting, Listing, Over]);
    assert_eq!(stages(&[0]), [Muting, Noticing, Removing, Over]);
    let all = [Muting, Listing, Noticing, Removing, Removing, Over];
    assert_eq!(stages(&[2, 0, 0]), all);
}

#[test]
fn who_has_warnings_left_is_listed_and_who_has_none_is_removed() {
    let scan = scan(&[2, 0, 1]);
    let users = |listed: &[Listed]| listed.iter().map(|listed| listed.user).collect::<Vec<_>>();
    assert_eq!(users(&scan.to_warn), [1, 3]);
    assert_eq!(users(&Vec::from(scan.to_remove)), [2]);
    assert_eq!(scan.outcome.unverified, 3);
}

#[test]
fn who_has_come_again_or_need_not_verify_any_more_is_not_who_was_listed() {
    let listed = Listed::of(&case(1, 3));
    assert!(listed.still_has(Some(&case(1, 3))));
    let again = Case {
        opened: NOW,
        ..case(1, 3)
    };
    let passed = Case {
        status: Status::Passed,
        ..case(1, 3)
    };
    let leaving = Case {
        ending: Some(Status::Expired),
        ..case(1, 3)
    };
    for other in [again, passed, leaving] {
        assert!(!listed.still_has(Some(&other)), "{other:?}");
    }
    assert!(!listed.still_has(None));
}

#[test]
fn a_removal_counts_when_it_has_happened() {
    let ending = Case {
        ending: Some(Status::Kicked),
        ..case(1, 0)
    };
    let kicked = Case {
        status: Status::Kicked,
        ..case(1, 0)
    };
    let passed = Case {
        status: Status::Passed,
        ..case(1, 0)
    };
    let removed = |case: &Case| {
        let mut scan = scan(&[0]);
        scan.removing = scan.to_remove.pop_front().map(|listed| (listed, NOW));
        let is_known = scan.count_removal(Some(case), NOW + GAP);
        (is_known, scan.outcome.removed)
    };
    assert_eq!(removed(&ending), (false, 0));
    assert_eq!(removed(&kicked), (true, 1));
    assert_eq!(removed(&passed), (true, 0));
}

#[test]
fn a_removal_that_is_never_answered_holds_up_the_scan_for_a_time_only() {
    let mut scan = scan(&[0]);
    scan.removing = scan.to_remove.pop_front().map(|listed| (listed, NOW));
    let ending = Case {
        ending: Some(Status::Kicked),
        ..case(1, 0)
    };
    assert!(scan.count_removal(Some(&ending), NOW + REMOVAL));
    assert!(scan.outcome.failed.is_some());
}

#[test]
fn a_scan_that_is_cut_waits_for_the_removal_it_has_asked_for() {
    let mut begun = scan(&[3, 0, 0]);
    begun.stage = Stage::Removing;
    begun.removing = begun.to_remove.pop_front().map(|listed| (listed, NOW));
    begun.cut();
    assert_eq!((begun.stage, begun.to_remove.len()), (Stage::Removing, 0));
    let mut fresh = scan(&[3, 0]);
    fresh.cut();
    assert_eq!(fresh.stage, Stage::Over);
}

#[test]
fn progress_counts_those_whom_the_scan_is_done_with() {
    let mut scan = scan(&[3, 3, 0, 0]);
    assert_eq!(scan.done(), 0);
    scan.advance();
    assert_eq!((scan.stage, scan.done()), (Stage::Listing, 0));
    scan.advance();
    assert_eq!((scan.stage, scan.done()), (Stage::Noticing, 2));
    scan.advance();
    scan.removing = scan.to_remove.pop_front().map(|listed| (listed, NOW));
    assert_eq!(scan.done(), 2);
    scan.removing = None;
    assert_eq!(scan.done(), 3);
}

#[test]
fn a_dry_run_counts_what_it_would_do() {
    let mut scan = scan(&[3, 1, 0]);
    scan.only_look();
    let Outcome {
        would_warn,
        would_remove,
        warned,
        removed,
        ..
    } = scan.outcome;
    assert_eq!((would_warn, would_remove, warned, removed), (2, 1, 0, 0));
    assert_eq!(scan.stage, Stage::Over);
}

#[test]
fn removals_that_are_never_answered_end_the_scan() {
    let mut scan = scan(&[0, 0, 0, 0, 0]);
    scan.stage = Stage::Removing;
    let ending = |listed: Listed| Case {
        ending: Some(Status::Kicked),
        ..case(listed.user, 0)
    };
    for _ in 0..UNANSWERED {
        assert_eq!(scan.stage, Stage::Removing);
        let listed = scan.to_remove.pop_front().unwrap();
        scan.removing = Some((listed, NOW));
        assert!(scan.count_removal(Some(&ending(listed)), NOW + REMOVAL));
    }
    assert_eq!((scan.stage, scan.to_remove.len()), (Stage::Over, 0));
}

#[test]
fn a_removal_that_is_answered_ends_the_row_of_those_that_were_not() {
    let mut scan = scan(&[0]);
    scan.unanswered = UNANSWERED - 1;
    scan.removing = scan.to_remove.pop_front().map(|listed| (listed, NOW));
    assert!(scan.count_removal(None, NOW));
    assert_eq!(scan.unanswered, 0);
}

#[test]
fn a_group_that_is_off_or_unknown_is_not_scanned() {
    let mut group = Group::default();
    let reason = |is_unknown, group: &Group| {
        let outcome = Outcome::of_none(is_unknown, group);
        outcome.and_then(|outcome| outcome.failed)
    };
    assert_eq!(reason(false, &group).as_deref(), Some("the guard is off"));
    let unknown = Some("the group is not known");
    assert_eq!(reason(true, &group).as_deref(), unknown);
    group.settings = Settings {
        is_on: true,
        ..Settings::default()
    };
    assert_eq!(reason(false, &group), None);
}

#[test]
fn who_came_less_than_ten_minutes_ago_has_had_no_time() {
    let case = case(1, 3);
    assert!(is_new(&case, case.opened + Duration::from_secs(599)));
    assert!(!is_new(&case, case.opened + Duration::from_secs(600)));
}

#[test]
fn a_run_that_joins_twice_is_told_once() {
    let mut scan = scan(&[3]);
    let (place, number) = (Place::Schedule, 5);
    for _ in 0..2 {
        scan.join(RunId { place, number });
    }
    assert_eq!(scan.runs.len(), 1);
}
