//! The paper's Figure 1: time against size, measured and published, with what is left over below.

use super::published::Published;
use super::series::{Mechanism, Series, Workload, find};
use crate::command::bench::plot::{LEFT, Panel, RIGHT, add, labels, line, numbers};

const WIDTH: f64 = 920.0;
const HEIGHT: f64 = 720.0;
const TOP: f64 = 50.0;
const BOTTOM: f64 = 460.0;
/// What the panels' x axes are.
const SIZE: &str = "process size, Kbytes";
/// The panel of residuals.
const REST_TOP: f64 = 520.0;
const REST_BOTTOM: f64 = 670.0;
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
    main.axes(&mut text, &numbers(main.x));
    labels(&mut text, &main, [SIZE, "migration time, ms (guest's clock)"]);
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
    panel.axes(text, &numbers(panel.x));
    labels(text, &panel, [SIZE, "residual, ms"]);
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
