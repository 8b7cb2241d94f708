//! The paper's Figure 1: time against size, measured and published, with what is left over below.

use std::fmt::Write as _;

use super::published::Published;
use super::series::{Mechanism, Series, Workload, find};

const WIDTH: f64 = 920.0;
const HEIGHT: f64 = 720.0;
const LEFT: f64 = 70.0;
const RIGHT: f64 = 620.0;
const TOP: f64 = 50.0;
const BOTTOM: f64 = 460.0;
/// The panel of residuals.
const REST_TOP: f64 = 520.0;
const REST_BOTTOM: f64 = 670.0;
/// Lines of an axis at most.
const MOST_TICKS: f64 = 8.0;

/// A rectangle of the figure and the values at its sides.
struct Panel {
    top: f64,
    bottom: f64,
    x: (f64, f64),
    y: (f64, f64),
}

impl Panel {
    fn x(&self, value: f64) -> f64 {
        LEFT + (RIGHT - LEFT) * (value - self.x.0) / (self.x.1 - self.x.0)
    }

    fn y(&self, value: f64) -> f64 {
        self.bottom - (self.bottom - self.top) * (value - self.y.0) / (self.y.1 - self.y.0)
    }

    /// Frame, lines and their numbers.
    fn axes(&self, text: &mut String) {
        for value in ticks(self.x) {
            let x = self.x(value);
            add(
                text,
                format_args!(
                    "<line x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{}\" y2=\"{}\" stroke=\"#ddd\"/><text x=\"{x:.1}\" y=\"{}\" \
                     text-anchor=\"middle\">{value}</text>",
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

fn add(text: &mut String, line: std::fmt::Arguments<'_>) {
    // Writing to a text cannot fail.
    let _ = writeln!(text, "{line}");
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

const fn colour(workload: Workload) -> &'static str {
    match workload {
        Workload::Idle => "#1f77b4",
        Workload::Compute => "#d62728",
        Workload::Rpc => "#2ca02c",
    }
}

/// Filled for the kernel, hollow for the user level.
fn marker(mechanism: Mechanism, workload: Workload, [x, y]: [f64; 2]) -> String {
    let colour = colour(workload);
    let fill = match mechanism {
        Mechanism::Kernel => colour,
        Mechanism::User => "white",
    };
    format!(
        "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"4\" fill=\"{fill}\" stroke=\"{colour}\" stroke-width=\"1.5\"/>"
    )
}

/// The figure, as SVG: always the same for the same measurements.
pub(super) fn svg(series: &[Series], published: &Published) -> String {
    let all = || {
        series
            .iter()
            .flat_map(|series| series.means().into_iter().map(move |mean| (series, mean)))
    };
    let largest = all().map(|(_, mean)| f64::from(mean.kbytes)).fold(1.0, f64::max);
    let slowest = all()
        .flat_map(|(series, mean)| {
            let line = published.time(series.workload, series.mechanism, f64::from(mean.kbytes));
            [mean.guest.0, line]
        })
        .fold(1.0, f64::max);
    let main = Panel {
        top: TOP,
        bottom: BOTTOM,
        x: (0.0, largest * 1.02),
        y: (0.0, slowest * 1.05),
    };
    let mut text = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{HEIGHT}\" font-family=\"sans-serif\" \
         font-size=\"12\">\n<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n<text x=\"{LEFT}\" y=\"26\" \
         font-size=\"15\">Process migration: time against size, source workload and mechanism</text>\n"
    );
    main.axes(&mut text);
    labels(&mut text, &main, "migration time, ms (guest's clock)");
    add_published(&mut text, &main, series, published);
    for series in series {
        if let Some(fit) = series.guest_fit() {
            line(&mut text, &main, colour(series.workload), "none", |kbytes| {
                fit.at(kbytes)
            });
        }
    }
    for (series, mean) in all() {
        let place = [main.x(f64::from(mean.kbytes)), main.y(mean.guest.0)];
        add(
            &mut text,
            format_args!("{}", marker(series.mechanism, series.workload, place)),
        );
    }
    residuals(&mut text, series, main.x);
    legend(&mut text, series);
    text + "</svg>\n"
}

fn labels(text: &mut String, panel: &Panel, what: &str) {
    let middle = f64::midpoint(panel.top, panel.bottom);
    add(
        text,
        format_args!(
            "<text x=\"{:.1}\" y=\"{}\" text-anchor=\"middle\">process size, Kbytes</text>\n<text x=\"18\" y=\"{middle:.1}\" \
             text-anchor=\"middle\" transform=\"rotate(-90 18 {middle:.1})\">{what}</text>",
            f64::midpoint(LEFT, RIGHT),
            panel.bottom + 34.0
        ),
    );
}

/// A straight line over the whole panel.
fn line(text: &mut String, panel: &Panel, colour: &str, dashes: &str, at: impl Fn(f64) -> f64) {
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

/// The published lines, by what they are for.
const LINES: [(Workload, Mechanism, &str, &str); 3] = [
    (
        Workload::Idle,
        Mechanism::Kernel,
        "none",
        "published: 47 + 3.8 m, kernel",
    ),
    (
        Workload::Idle,
        Mechanism::User,
        "7 4",
        "published: + 300 ms, user",
    ),
    (
        Workload::Compute,
        Mechanism::User,
        "2 3",
        "published: + 1500 ms, user, compute",
    ),
];

/// The lines of series that were measured.
fn lines(series: &[Series]) -> impl Iterator<Item = (Workload, Mechanism, &'static str, &'static str)> {
    let is_measured = |workload, mechanism| find(series, workload, mechanism).is_some();
    LINES
        .into_iter()
        .filter(move |(workload, mechanism, ..)| is_measured(*workload, *mechanism))
}

fn add_published(text: &mut String, panel: &Panel, series: &[Series], published: &Published) {
    for (workload, mechanism, dashes, _) in lines(series) {
        line(text, panel, "black", dashes, |kbytes| {
            published.time(workload, mechanism, kbytes)
        });
    }
}

/// Every measurement less the line of its series.
fn residuals(text: &mut String, series: &[Series], x: (f64, f64)) {
    let rests: Vec<(&Series, f64, f64)> = series
        .iter()
        .filter_map(|series| Some((series, series.guest_fit()?)))
        .flat_map(|(series, fit)| {
            series.points.iter().map(move |point| {
                let kbytes = f64::from(point.kbytes);
                (series, kbytes, f64::from(point.guest) - fit.at(kbytes))
            })
        })
        .collect();
    let most = rests.iter().map(|(_, _, rest)| rest.abs()).fold(10.0, f64::max) * 1.1;
    let panel = Panel {
        top: REST_TOP,
        bottom: REST_BOTTOM,
        x,
        y: (-most, most),
    };
    panel.axes(text);
    labels(text, &panel, "residual, ms");
    for (series, kbytes, rest) in rests {
        let place = [panel.x(kbytes), panel.y(rest)];
        add(
            text,
            format_args!("{}", marker(series.mechanism, series.workload, place)),
        );
    }
}

fn legend(text: &mut String, series: &[Series]) {
    let x = RIGHT + 16.0;
    let mut y = TOP + 10.0;
    for (_, _, dashes, words) in lines(series) {
        add(
            text,
            format_args!(
                "<line x1=\"{x}\" x2=\"{}\" y1=\"{y}\" y2=\"{y}\" stroke=\"black\" stroke-dasharray=\"{dashes}\"/><text \
                 x=\"{}\" y=\"{}\" font-size=\"11\">{words}</text>",
                x + 24.0,
                x + 30.0,
                y + 4.0
            ),
        );
        y += 20.0;
    }
    for series in series {
        let words = format!(
            "{} source, {} level",
            series.workload.word(),
            series.mechanism.word()
        );
        add(
            text,
            format_args!(
                "{}<text x=\"{}\" y=\"{}\">{words}</text>",
                marker(series.mechanism, series.workload, [x + 12.0, y]),
                x + 30.0,
                y + 4.0
            ),
        );
        y += 20.0;
    }
}

#[cfg(test)]
mod tests {
    use super::super::report::tests::report;
    use super::*;

    #[test]
    fn numbers_at_an_axis_are_round() {
        assert_eq!(ticks((0.0, 2088.96)), [0.0, 500.0, 1000.0, 1500.0, 2000.0]);
        assert_eq!(ticks((-11.0, 11.0)), [-10.0, -5.0, 0.0, 5.0, 10.0]);
    }

    #[test]
    fn the_figure_has_a_mark_for_every_mean_residual_and_name() {
        let report = report(300);
        let svg = svg(report.default_series(), &report.published);
        // Six series of three sizes and two repetitions.
        assert_eq!(svg.matches("<circle").count(), 6 * 3 + 6 * 6 + 6);
        assert_eq!(svg.matches("stroke=\"black\" stroke-dasharray").count(), 6);
        assert!(svg.contains("compute source, user level"));
        assert!(svg.starts_with("<svg ") && svg.ends_with("</svg>\n"));
        assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
        assert_eq!(svg, super::svg(report.default_series(), &report.published));
    }

    #[test]
    fn a_figure_without_measurements_is_one_all_the_same() {
        let svg = svg(&[], &Published::load());
        assert!(svg.ends_with("</svg>\n") && !svg.contains("NaN"));
    }
}
