//! The figure: rates against sizes, a panel for each card.

use super::report::Report;
use super::series::{Measurement, Operation, Series};
use crate::command::bench::plot::{LEFT, Panel, RIGHT, add, labels, line};

const WIDTH: f64 = 860.0;
const TOP: f64 = 50.0;
/// Height of a panel, and distance between two of them.
const PANEL: f64 = 300.0;
const STEP: f64 = 380.0;

const fn colour(operation: Operation) -> &'static str {
    match operation {
        Operation::Create => "#9467bd",
        Operation::Commit => "#8c564b",
        Operation::Cold => "#1f77b4",
        Operation::Cached => "#d62728",
        Operation::Delete | Operation::Transactions => "#7f7f7f",
    }
}

/// What is drawn, and what it is called.
const CURVES: [(Operation, &str); 5] = [
    (Operation::Transactions, "transactions of the same bytes"),
    (Operation::Cached, "cached read"),
    (Operation::Cold, "cold read"),
    (Operation::Commit, "create without safety"),
    (Operation::Create, "create with safety"),
];

/// The figure, as SVG: always the same for the same measurements.
pub(super) fn svg(report: &Report) -> String {
    let count = report.series().count().max(1);
    let height = TOP + STEP * count as f64;
    let mut text = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{height}\" font-family=\"sans-serif\" \
         font-size=\"12\">\n<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n<text x=\"{LEFT}\" y=\"26\" \
         font-size=\"15\">Files of a Bullet server: rate against size</text>\n"
    );
    let published = report.published.reads();
    for (number, series) in report.series().enumerate() {
        let mut sizes = series.sizes();
        sizes.sort_unstable();
        let all = || {
            CURVES
                .iter()
                .flat_map(|(operation, _)| points(series, *operation))
        };
        let most = all()
            .map(|(_, rate)| rate)
            .chain(published.iter().map(|(_, rate)| *rate))
            .chain(series.limit())
            .fold(1.0, f64::max);
        let top = TOP + STEP * number as f64;
        let panel = Panel {
            top,
            bottom: top + PANEL,
            x: (-1.0, 21.0),
            y: (0.0, most * 1.05),
        };
        let marks: Vec<(f64, String)> = sizes.iter().map(|size| (place(*size), short(*size))).collect();
        panel.axes(&mut text, &marks);
        labels(
            &mut text,
            &panel,
            ["size, bytes", &format!("{}: Kbytes/s", series.card)],
        );
        if let Some(limit) = series.limit() {
            line(&mut text, &panel, "black", "7 4", |_| limit);
        }
        for (operation, _) in CURVES {
            curve(&mut text, &panel, operation, &points(series, operation));
        }
        for (bytes, rate) in &published {
            let (x, y) = (panel.x(place(*bytes)), panel.y(*rate));
            add(&mut text, format_args!("{}", cross(x, y)));
        }
        legend(&mut text, top);
    }
    text + "</svg>\n"
}

/// Where a size stands: each twice the one before.
fn place(bytes: u32) -> f64 {
    f64::from(bytes).log2()
}

/// `64K` for 65536.
fn short(bytes: u32) -> String {
    match bytes {
        _ if bytes.is_multiple_of(1 << 20) => format!("{}M", bytes >> 20),
        _ if bytes.is_multiple_of(1 << 10) => format!("{}K", bytes >> 10),
        _ => bytes.to_string(),
    }
}

/// Sizes and rates of an operation, by size.
fn points(series: &Series, operation: Operation) -> Vec<(u32, f64)> {
    let mut sizes = series.sizes();
    sizes.sort_unstable();
    let rate = |bytes: u32| {
        let rate = series.find(bytes, operation).and_then(Measurement::rate)?;
        Some((bytes, rate))
    };
    sizes.into_iter().filter_map(rate).collect()
}

fn curve(text: &mut String, panel: &Panel, operation: Operation, points: &[(u32, f64)]) {
    let places: Vec<[f64; 2]> = points
        .iter()
        .map(|(bytes, rate)| [panel.x(place(*bytes)), panel.y(*rate)])
        .collect();
    let words: Vec<String> = places.iter().map(|[x, y]| format!("{x:.1},{y:.1}")).collect();
    let colour = colour(operation);
    add(
        text,
        format_args!(
            "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"1.5\"/>",
            words.join(" ")
        ),
    );
    for [x, y] in places {
        add(
            text,
            format_args!("<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3.5\" fill=\"{colour}\"/>"),
        );
    }
}

fn cross(x: f64, y: f64) -> String {
    format!(
        "<path d=\"M{:.1} {:.1}l8 8m0 -8l-8 8\" stroke=\"black\" stroke-width=\"1.5\"/>",
        x - 4.0,
        y - 4.0
    )
}

fn legend(text: &mut String, top: f64) {
    let x = RIGHT + 16.0;
    let mut y = top + 10.0;
    for (operation, words) in CURVES {
        let colour = colour(operation);
        add(
            text,
            format_args!(
                "<line x1=\"{x}\" x2=\"{}\" y1=\"{y}\" y2=\"{y}\" stroke=\"{colour}\" stroke-width=\"1.5\"/><text x=\"{}\" \
                 y=\"{}\">{words}</text>",
                x + 24.0,
                x + 30.0,
                y + 4.0
            ),
        );
        y += 20.0;
    }
    add(
        text,
        format_args!(
            "<line x1=\"{x}\" x2=\"{}\" y1=\"{y}\" y2=\"{y}\" stroke=\"black\" stroke-dasharray=\"7 4\"/><text x=\"{}\" \
             y=\"{}\">transactions of 30000 bytes</text>",
            x + 24.0,
            x + 30.0,
            y + 4.0
        ),
    );
    y += 20.0;
    add(
        text,
        format_args!(
            "{}<text x=\"{}\" y=\"{}\">published, other hardware</text>",
            cross(x + 12.0, y),
            x + 30.0,
            y + 4.0
        ),
    );
}

#[cfg(test)]
mod tests {
    use super::super::report::tests::report;
    use super::*;

    #[test]
    fn every_card_has_a_panel_with_five_curves_and_the_published_reads() {
        let report = report(200);
        let svg = svg(&report);
        assert_eq!(svg.matches("<polyline").count(), 2 * 5);
        assert_eq!(svg.matches("<circle").count(), 2 * 5 * 2);
        // Two published reads and one in the legend.
        assert_eq!(svg.matches("<path").count(), 2 * 3);
        assert!(svg.contains(">4K</text>") && svg.contains(">1M</text>"));
        assert!(svg.contains("ne2000: Kbytes/s"));
        assert!(svg.starts_with("<svg ") && svg.ends_with("</svg>\n"));
        assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
        assert_eq!(svg, super::svg(&report));
    }

    #[test]
    fn a_figure_without_measurements_is_one_all_the_same() {
        let svg = svg(&Report::new(Vec::new()));
        assert!(svg.ends_with("</svg>\n") && !svg.contains("NaN"), "{svg}");
    }

    #[test]
    fn sizes_are_written_short_where_they_are_whole() {
        assert_eq!(
            [1, 256, 1000, 4096, 1 << 20].map(short),
            ["1", "256", "1000", "4K", "1M"]
        );
    }
}
