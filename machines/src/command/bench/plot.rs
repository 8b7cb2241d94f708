//! Parts of the SVG figures: panels with axes, and lines in them.

use std::fmt::Write as _;

/// The left edge of all panels.
pub(super) const LEFT: f64 = 70.0;
/// The right edge of all panels.
pub(super) const RIGHT: f64 = 620.0;
/// Lines of an axis at most.
const MOST_TICKS: f64 = 8.0;

/// A rectangle of the figure and the values at its sides.
pub(super) struct Panel {
    /// Its upper edge.
    pub(super) top: f64,
    /// Its lower edge.
    pub(super) bottom: f64,
    /// The values at its left and right edge.
    pub(super) x: (f64, f64),
    /// The values at its lower and upper edge.
    pub(super) y: (f64, f64),
}

impl Panel {
    /// Where a value lies between left and right.
    pub(super) fn x(&self, value: f64) -> f64 {
        LEFT + (RIGHT - LEFT) * (value - self.x.0) / (self.x.1 - self.x.0)
    }

    /// Where a value lies between top and bottom.
    pub(super) fn y(&self, value: f64) -> f64 {
        self.bottom - (self.bottom - self.top) * (value - self.y.0) / (self.y.1 - self.y.0)
    }

    /// Frame and lines: across at round numbers, upright at these values with these words.
    pub(super) fn axes(&self, text: &mut String, marks: &[(f64, String)]) {
        for (value, words) in marks {
            let x = self.x(*value);
            add(
                text,
                format_args!(
                    "<line x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{}\" y2=\"{}\" stroke=\"#ddd\"/><text x=\"{x:.1}\" y=\"{}\" \
                     text-anchor=\"middle\">{words}</text>",
                    self.top,
                    self.bottom,
                    self.bottom + 16.0
                ),
            );
        }
        for value in ticks(self.y) {
            let y = self.y(value);
            add(
                text,
                format_args!(
                    "<line x1=\"{LEFT}\" x2=\"{RIGHT}\" y1=\"{y:.1}\" y2=\"{y:.1}\" stroke=\"#ddd\"/><text x=\"{}\" \
                     y=\"{:.1}\" text-anchor=\"end\">{value}</text>",
                    LEFT - 6.0,
                    y + 4.0
                ),
            );
        }
        add(
            text,
            format_args!(
                "<rect x=\"{LEFT}\" y=\"{}\" width=\"{}\" height=\"{}\" fill=\"none\" stroke=\"black\"/>",
                self.top,
                RIGHT - LEFT,
                self.bottom - self.top
            ),
        );
    }
}

/// Adds a line to an SVG.
pub(super) fn add(text: &mut String, line: std::fmt::Arguments<'_>) {
    // Writing to a text cannot fail.
    let _ = writeln!(text, "{line}");
}

/// Round numbers of a range with themselves as words, as marks of an axis.
pub(super) fn numbers(range: (f64, f64)) -> Vec<(f64, String)> {
    ticks(range)
        .into_iter()
        .map(|value| (value, value.to_string()))
        .collect()
}

/// Round numbers of a range: 1, 2 or 5 times a power of ten apart, or of two for sizes of memory.
fn ticks((low, high): (f64, f64)) -> Vec<f64> {
    let rough = (high - low) / MOST_TICKS;
    let power = 10_f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0]
        .map(|times| times * power)
        .into_iter()
        .find(|step| *step >= rough)
        .unwrap_or(10.0 * power);
    let first = (low / step).ceil() as i64;
    let last = (high / step).floor() as i64;
    (first..=last).map(|number| number as f64 * step).collect()
}

/// What a panel's x and y axes are.
pub(super) fn labels(text: &mut String, panel: &Panel, [x, y]: [&str; 2]) {
    let middle = f64::midpoint(panel.top, panel.bottom);
    add(
        text,
        format_args!(
            "<text x=\"{:.1}\" y=\"{}\" text-anchor=\"middle\">{x}</text>\n<text x=\"18\" y=\"{middle:.1}\" \
             text-anchor=\"middle\" transform=\"rotate(-90 18 {middle:.1})\">{y}</text>",
            f64::midpoint(LEFT, RIGHT),
            panel.bottom + 34.0
        ),
    );
}

/// A straight line over the whole panel.
pub(super) fn line(text: &mut String, panel: &Panel, colour: &str, dashes: &str, at: impl Fn(f64) -> f64) {
    let (from, to) = panel.x;
    add(
        text,
        format_args!(
            "<line x1=\"{:.1}\" y1=\"{:.1}\" x2=\"{:.1}\" y2=\"{:.1}\" stroke=\"{colour}\" stroke-dasharray=\"{dashes}\"/>",
            panel.x(from),
            panel.y(at(from)),
            panel.x(to),
            panel.y(at(to))
        ),
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_at_an_axis_are_round() {
        assert_eq!(ticks((0.0, 2088.96)), [0.0, 500.0, 1000.0, 1500.0, 2000.0]);
        assert_eq!(ticks((-11.0, 11.0)), [-10.0, -5.0, 0.0, 5.0, 10.0]);
    }
}
