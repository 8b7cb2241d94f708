//! Straight lines through measurements, by least squares, with confidence intervals.
//!
//! The intervals are Student's: what scatters about the line is taken as normal and alike at all sizes (Draper and Smith, Applied
//! Regression Analysis, section 1.4). The quantile comes from the distribution function, which is the incomplete beta function
//! (Abramowitz and Stegun, 26.7.1), by its continued fraction (26.5.8).

/// A straight line through points, with what is known of its quality.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Fit {
    /// The value at zero.
    pub(super) offset: f64,
    /// Half the 95 % confidence interval of the offset.
    pub(super) offset_error: f64,
    /// The rise for each unit.
    pub(super) slope: f64,
    /// Half the 95 % confidence interval of the slope.
    pub(super) slope_error: f64,
    /// The share of the values' variance that the line explains.
    pub(super) r2: f64,
    /// Standard deviation of the values about the line.
    pub(super) deviation: f64,
    /// The largest distance of a value from the line.
    pub(super) worst: f64,
}

impl Fit {
    /// The line through `(x, y)`; `None` if there are fewer than three points, or all at one place.
    pub(super) fn of(points: &[(f64, f64)]) -> Option<Self> {
        let count = points.len() as f64;
        let freedom = count - 2.0;
        if freedom < 1.0 {
            return None;
        }
        let mean = |of: fn(&(f64, f64)) -> f64| points.iter().map(of).sum::<f64>() / count;
        let (mean_x, mean_y) = (mean(|point| point.0), mean(|point| point.1));
        let sum = |of: &dyn Fn(f64, f64) -> f64| -> f64 {
            points.iter().map(|(x, y)| of(x - mean_x, y - mean_y)).sum()
        };
        let (xx, xy, yy) = (sum(&|x, _| x * x), sum(&|x, y| x * y), sum(&|_, y| y * y));
        if xx <= 0.0 {
            return None;
        }
        let slope = xy / xx;
        let offset = mean_y - slope * mean_x;
        let residual = |(x, y): &(f64, f64)| y - offset - slope * x;
        let squares: f64 = points.iter().map(|point| residual(point).powi(2)).sum();
        let deviation = (squares / freedom).sqrt();
        let quantile = student(0.95, freedom);
        Some(Self {
            offset,
            offset_error: quantile * deviation * (1.0 / count + mean_x * mean_x / xx).sqrt(),
            slope,
            slope_error: quantile * deviation / xx.sqrt(),
            r2: if yy > 0.0 { 1.0 - squares / yy } else { 1.0 },
            deviation,
            worst: points
                .iter()
                .map(|point| residual(point).abs())
                .fold(0.0, f64::max),
        })
    }

    /// The line's value.
    pub(super) fn at(&self, x: f64) -> f64 {
        self.offset + self.slope * x
    }
}

/// Mean and standard deviation (of a sample; 0 for a single value).
pub(super) fn spread(values: &[f64]) -> (f64, f64) {
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    let deviation = if values.len() > 1 {
        (squares / (count - 1.0)).sqrt()
    } else {
        0.0
    };
    (mean, deviation)
}

/// The t between whose negative and which Student's distribution with so many degrees of freedom has the share `inside`.
fn student(inside: f64, freedom: f64) -> f64 {
    let (mut low, mut high) = (0.0, 1000.0);
    // A thousand halved so often is less than the last digit of the result.
    for _ in 0..60 {
        let middle = f64::midpoint(low, high);
        let outside = incomplete_beta(freedom / (freedom + middle * middle), freedom / 2.0, 0.5);
        if 1.0 - outside < inside {
            low = middle;
        } else {
            high = middle;
        }
    }
    f64::midpoint(low, high)
}

/// The regularised incomplete beta function of x with the parameters a and b.
fn incomplete_beta(x: f64, a: f64, b: f64) -> f64 {
    if x <= 0.0 || x >= 1.0 {
        return x.clamp(0.0, 1.0);
    }
    let scale = (logarithm_of_gamma(a + b) - logarithm_of_gamma(a) - logarithm_of_gamma(b)
        + a * x.ln()
        + b * (-x).ln_1p())
    .exp();
    // The fraction converges quickly on this side of the mean only.
    if x < (a + 1.0) / (a + b + 2.0) {
        scale * fraction(x, a, b) / a
    } else {
        1.0 - scale * fraction(1.0 - x, b, a) / b
    }
}

/// The continued fraction of the incomplete beta function, from its front by Lentz's method.
fn fraction(x: f64, a: f64, b: f64) -> f64 {
    const TINY: f64 = 1e-300;
    let away_from_zero = |value: f64| if value.abs() < TINY { TINY } else { value };
    let mut front = 1.0;
    let mut back = 1.0 / away_from_zero(1.0 - (a + b) * x / (a + 1.0));
    let mut value = back;
    for step in 1..300 {
        let m = f64::from(step);
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        let mut change = 1.0;
        for part in [even, odd] {
            back = 1.0 / away_from_zero(1.0 + part * back);
            front = away_from_zero(1.0 + part / front);
            change = back * front;
            value *= change;
        }
        if (change - 1.0).abs() < 1e-15 {
            break;
        }
    }
    value
}

/// The natural logarithm of the gamma function of a positive number: Stirling's series (Abramowitz and Stegun, 6.1.41) beyond 10, and
/// the recurrence below.
fn logarithm_of_gamma(mut x: f64) -> f64 {
    let mut below = 0.0;
    while x < 10.0 {
        below += x.ln();
        x += 1.0;
    }
    let inverse = 1.0 / (x * x);
    let series = (1.0 / 12.0 - inverse * (1.0 / 360.0 - inverse * (1.0 / 1260.0 - inverse / 1680.0))) / x;
    (x - 0.5) * x.ln() - x + 0.5 * std::f64::consts::TAU.ln() + series - below
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Norris, a linear regression of the Statistical Reference Datasets of NIST: 36 points with certified results.
    const NORRIS: [(f64, f64); 36] = [
        (0.2, 0.1),
        (337.4, 338.8),
        (118.2, 118.1),
        (884.6, 888.0),
        (10.1, 9.2),
        (226.5, 228.1),
        (666.3, 668.5),
        (996.3, 998.5),
        (448.6, 449.1),
        (777.0, 778.9),
        (558.2, 559.2),
        (0.4, 0.3),
        (0.6, 0.1),
        (775.5, 778.1),
        (666.9, 668.8),
        (338.0, 339.3),
        (447.5, 448.9),
        (11.6, 10.8),
        (556.0, 557.7),
        (228.1, 228.3),
        (995.8, 998.0),
        (887.6, 888.8),
        (120.2, 119.6),
        (0.3, 0.3),
        (0.3, 0.6),
        (556.8, 557.6),
        (339.1, 339.3),
        (887.2, 888.0),
        (999.0, 998.5),
        (779.0, 778.9),
        (11.1, 10.2),
        (118.3, 117.6),
        (229.2, 228.9),
        (669.1, 668.4),
        (448.9, 449.2),
        (0.5, 0.2),
    ];

    fn is_near(value: f64, certified: f64) {
        assert!((value / certified - 1.0).abs() < 1e-9, "{value} for {certified}");
    }

    #[test]
    fn the_line_through_norris_is_the_certified_one() {
        let fit = Fit::of(&NORRIS).unwrap();
        is_near(fit.offset, -0.262_323_073_774_029);
        is_near(fit.slope, 1.002_116_818_020_45);
        is_near(fit.r2, 0.999_993_745_883_712);
        is_near(fit.deviation, 0.884_796_396_144_373);
        // The certified standard deviations times the quantile for 34 degrees of freedom, 2.032 244 509.
        assert!((fit.offset_error / 0.232_818_234_301_152 - 2.032_244_509).abs() < 1e-6);
        assert!((fit.slope_error / 0.429_796_848_199_937e-3 - 2.032_244_509).abs() < 1e-6);
    }

    #[test]
    fn students_quantiles_are_those_of_the_tables() {
        for (freedom, table) in [
            (1.0, 12.706_204_7),
            (2.0, 4.302_652_7),
            (5.0, 2.570_581_8),
            (10.0, 2.228_138_9),
            (30.0, 2.042_272_5),
            (120.0, 1.979_930_4),
        ] {
            let quantile = student(0.95, freedom);
            assert!((quantile - table).abs() < 1e-6, "{freedom}: {quantile}");
        }
    }

    #[test]
    fn points_on_a_line_have_no_error() {
        let points = [32.0, 64.0, 2048.0].map(|kbytes| (kbytes, 47.0 + 3.8 * kbytes));
        let fit = Fit::of(&points).unwrap();
        assert!(
            (fit.offset - 47.0).abs() < 1e-6 && (fit.slope - 3.8).abs() < 1e-9,
            "{fit:?}"
        );
        assert!(fit.worst < 1e-6 && fit.offset_error < 1e-5, "{fit:?}");
        assert!((fit.r2 - 1.0).abs() < 1e-12, "{fit:?}");
        assert!((fit.at(100.0) - 427.0).abs() < 1e-6);
    }

    #[test]
    fn two_points_or_one_place_are_no_line_with_an_error() {
        assert_eq!(Fit::of(&[(1.0, 1.0), (2.0, 2.0)]), None);
        assert_eq!(Fit::of(&[(1.0, 1.0), (1.0, 2.0), (1.0, 3.0)]), None);
    }

    #[test]
    fn the_deviation_is_that_of_a_sample() {
        let (mean, deviation) = spread(&[2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0]);
        assert!((mean - 5.0).abs() < 1e-12);
        assert!((deviation - (32.0_f64 / 7.0).sqrt()).abs() < 1e-12);
        assert_eq!(spread(&[3.0]), (3.0, 0.0));
    }
}
