//! Tables, drawn with characters of one width.

use pulldown_cmark::Alignment;
use unicode_width::UnicodeWidthStr;

/// Columns are not widened beyond this for the sake of a long cell, which then sticks out.
const WIDEST: usize = 40;

pub(super) struct Table {
    alignments: Vec<Alignment>,
    /// The first one is the head.
    rows: Vec<Vec<String>>,
}

impl Table {
    pub(super) fn new(alignments: Vec<Alignment>) -> Self {
        Self {
            alignments,
            rows: Vec::new(),
        }
    }

    pub(super) fn begin_row(&mut self) {
        self.rows.push(Vec::new());
    }

    pub(super) fn begin_cell(&mut self) {
        if let Some(row) = self.rows.last_mut() {
            row.push(String::new());
        }
    }

    pub(super) fn push(&mut self, text: &str) {
        if let Some(cell) = self.rows.last_mut().and_then(|row| row.last_mut()) {
            cell.push_str(text);
        }
    }

    /// The text of the cell that is being written.
    pub(super) fn cell(&self) -> &str {
        let cell = self.rows.last().and_then(|row| row.last());
        cell.map_or("", String::as_str)
    }

    /// Its lines, with columns that stand below each other.
    pub(super) fn draw(&self) -> String {
        let widths = self.widths();
        let mut drawn = String::new();
        for (index, row) in self.rows.iter().enumerate() {
            if index == 1 {
                draw_rule(&widths, &mut drawn);
            }
            self.draw_row(row, &widths, &mut drawn);
        }
        drawn.truncate(drawn.trim_end().len());
        drawn
    }

    fn widths(&self) -> Vec<usize> {
        let mut widths = vec![1; self.alignments.len()];
        for row in &self.rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = cell.width().min(WIDEST).max(*width);
            }
        }
        widths
    }

    fn draw_row(&self, row: &[String], widths: &[usize], drawn: &mut String) {
        let start = drawn.len();
        for (index, ((cell, width), alignment)) in
            row.iter().zip(widths).zip(&self.alignments).enumerate()
        {
            let room = width.saturating_sub(cell.width());
            let before = match alignment {
                Alignment::Right => room,
                Alignment::Center => room / 2,
                Alignment::None | Alignment::Left => 0,
            };
            if index > 0 {
                drawn.push_str(" │ ");
            }
            drawn.extend(std::iter::repeat_n(' ', before));
            drawn.push_str(cell);
            drawn.extend(std::iter::repeat_n(' ', room - before));
        }
        let end = start + drawn[start..].trim_end_matches(' ').len();
        drawn.truncate(end);
        drawn.push('\n');
    }
}

fn draw_rule(widths: &[usize], drawn: &mut String) {
    for (index, width) in widths.iter().enumerate() {
        if index > 0 {
            drawn.push_str("─┼─");
        }
        drawn.extend(std::iter::repeat_n('─', *width));
    }
    drawn.push('\n');
}
