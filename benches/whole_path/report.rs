//! Medians and ratios, as a table.

use super::measure::Figures;
use super::workload::Workload;

/// Rounds of one workload: ours and theirs, one after the other.
pub(crate) type Rounds = Vec<[Figures; 2]>;

/// A line of the table: its name, the figure, and digits behind the point.
type Line = (&'static str, fn(&Figures) -> Option<f64>, usize);

const STOP: &str = "SIGTERM to exit, ms";
const START: &str = "start to first poll, ms";

const LINES: [Line; 9] = [
    (START, |of| of.start_ms, 1),
    ("updates/s", |of| of.per_second, 0),
    ("CPU s per 1,000", |of| of.cpu, 3),
    ("latency p50, ms", |of| of.p50_ms, 1),
    ("latency p99, ms", |of| of.p99_ms, 1),
    ("peak memory, MB", |of| of.peak_mb, 1),
    ("one flush of the disk p50, ms", |of| of.flush_p50_ms, 1),
    ("one flush of the disk p99, ms", |of| of.flush_p99_ms, 1),
    (STOP, |of| of.stop_ms, 0),
];

/// Prints what one trial gave.
pub(crate) fn progress(who: &str, workload: &Workload, of: &Figures) {
    let mut line = format!("{:<9} {}:", who, workload.name);
    for (name, figure, digits) in LINES {
        if let Some(value) = figure(of) {
            line += &format!(" {name} {value:.digits$},");
        }
    }
    line += &format!(
        " answered {}, repeated {}, out of order {}, server load {:.2}",
        of.answered, of.repeated, of.overtaken, of.server_load
    );
    if of.was_killed {
        line += ", HAD TO BE KILLED";
        line += if of.still_polled {
            ": it went on polling"
        } else {
            ": it polled no more"
        };
    }
    eprintln!("{line}");
}

/// Prints the table of one workload. The ratio is the median of the rounds' own ratios: what disturbs the machine
/// disturbs both of a pair.
pub(crate) fn table(workload: &Workload, rounds: &Rounds) {
    for (name, figure, digits) in LINES {
        if !workload.is_load && ![START, STOP].contains(&name) {
            continue;
        }
        let of = |side: usize| {
            let values = rounds.iter().filter_map(|round| figure(&round[side]));
            median(values.collect())
        };
        let (Some(ours), Some(theirs)) = (of(0), of(1)) else {
            continue;
        };
        let mark = |side: usize| {
            let killed = rounds.iter().filter(|round| round[side].was_killed).count();
            if killed > 0 && name == STOP {
                format!(" ({killed} of {} killed)", rounds.len())
            } else {
                String::new()
            }
        };
        let (our_mark, their_mark) = (mark(0), mark(1));
        let mut ratios: Vec<f64> = rounds
            .iter()
            .filter_map(|[ours, theirs]| Some(figure(ours)? / figure(theirs)?))
            .collect();
        ratios.sort_by(f64::total_cmp);
        let spread = match (ratios.first(), ratios.last()) {
            (Some(low), Some(high)) => format!("{low:.2} – {high:.2}"),
            _ => String::new(),
        };
        println!(
            "| {} | {name} | {ours:.digits$}{our_mark} | {theirs:.digits$}{their_mark} | {:.2} | {spread} |",
            workload.name,
            median(ratios).unwrap_or(f64::NAN),
        );
    }
}

pub(crate) fn heading() {
    println!("| workload | figure | sundown | teloxide | ratio | of all rounds |");
    println!("|---|---|---:|---:|---:|---:|");
}

fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let upper = *values.get(values.len() / 2)?;
    let lower = values[(values.len() - 1) / 2];
    Some(f64::midpoint(lower, upper))
}
