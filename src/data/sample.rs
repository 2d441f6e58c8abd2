//! Made-up data to try things with: seeded, documented, the same bytes everywhere.
//!
//! # Innovation projects
//!
//! One row is a project as it looked on some day (`scored_at`), and whether it later succeeded on the market (`outcome`).
//! Nobody's data: every value is drawn, and the rule that decides is below.
//!
//! | column | what it is | drawn from | missing |
//! |---|---|---|---|
//! | `scored_at` | when the project was looked at, to the minute, UTC: what `now()` means for its row | 2022-01-01 to 2025-12-31, evenly | |
//! | `start_date` | the day the project began | `scored_at` less `exp(N(6, 0.6))` days, at least 10 | |
//! | `novelty_score` | reviewers' judgement, 0 to 1 | `N(0.5, 0.22)`, cut to 0..=1 | |
//! | `market_size` | addressable market, million USD a year | `exp(N(4.1, 1.1))` | 3 % |
//! | `team_experience` | mean years in the field | `exp(N(2, 0.6))`, at most 40 | 6 % |
//! | `development_time` | planned months to the first release | `exp(N(2.9, 0.5))`, 1 to 90 | |
//! | `category` | `biotech`, `energy`, `hardware`, `services` or `software` | 15, 15, 20, 15 and 35 % | |
//! | `region` | `APAC`, `EU`, `LATAM` or `NA` | 25, 35, 10 and 30 % | 2 % |
//! | `output` | worth of what was delivered so far, thousand USD | `cost * exp(N(0, 0.6))` | 2 % |
//! | `cost` | spent so far, thousand USD | `exp(N(5, 0.8))` | |
//! | `outcome` | `success` or `failure` | `success` with the probability below | |
//!
//! With `ratio = output / cost`, `days` from `start_date` to `scored_at`, and every value as the file shows it (a missing one as it was
//! before it went missing):
//!
//! ```text
//! score = 3.5 (novelty_score - 0.5) + 0.5 (ln(market_size) - 4.1)
//!       + 0.15 (min(team_experience, 15) - 8) - 0.06 (development_time - 18)
//!       + 1.6 ln(ratio) - 1.0 (ln(days) - 6)
//!       + {biotech: -0.3, energy: -0.2, hardware: 0, services: 0.1, software: 0.4}
//!       + {APAC: 0.1, EU: 0, LATAM: -0.3, NA: 0.2}
//!       + 3.0 (novelty_score - 0.5)   where category is biotech or energy: there it takes novelty
//!       - 1.5                         where market_size > 150 and team_experience < 5: too much for a young team
//! P(success) = sigmoid(1.35 score - 0.6)
//! ```
//!
//! So about two projects in five succeed, and who knew the rule and all values would reach a ROC AUC of about 0.90; nobody can do better.

use crate::error::{Error, ErrorKind, Result};
use crate::math;
use crate::time;
use std::io::Write;

/// Most rows of one file.
pub const MAX_ROWS: usize = 10_000_000;

/// The columns of [`innovation`], in order.
pub const INNOVATION: [&str; 11] = [
    "scored_at",
    "start_date",
    "novelty_score",
    "market_size",
    "team_experience",
    "development_time",
    "category",
    "region",
    "output",
    "cost",
    "outcome",
];

/// Writes a CSV of `rows` innovation projects (see above). The same seed gives the same rows; fewer rows are the first of more.
pub fn innovation(rows: usize, seed: u64, out: &mut dyn Write) -> Result<()> {
    if rows > MAX_ROWS {
        let message = format!("{rows} rows are too many for a sample: {MAX_ROWS} is the most");
        return Err(Error::new(ErrorKind::Config, message));
    }
    let mut csv = csv::Writer::from_writer(out);
    let io = |e: csv::Error| Error::new(ErrorKind::Io, e.to_string()).context("writing the sample");
    csv.write_record(INNOVATION).map_err(io)?;
    let mut draw = Draw(seed);
    for _ in 0..rows {
        let (project, keep, success) = Project::draw(&mut draw);
        csv.write_record(project.cells(keep, success)).map_err(io)?;
    }
    csv.flush().map_err(|e| Error::from(e).context("writing the sample"))
}

/// SplitMix64 (Steele, Lea and Flood 2014, figure 14): a row of a file is a promise, so its source is spelled out here.
struct Draw(u64);

impl Draw {
    /// Evenly over 0..1, in steps of 2^-53.
    fn uniform(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Box and Muller (1958), the cosine of the pair.
    fn normal(&mut self, mean: f64, deviation: f64) -> f64 {
        let (u, v) = (1.0 - self.uniform(), self.uniform());
        mean + deviation * ((-2.0 * math::ln(u)).sqrt() * math::cos(std::f64::consts::TAU * v))
    }

    /// An index, by weights that add up to 1.
    fn pick<T: Copy, const N: usize>(&mut self, of: [(T, f64); N]) -> T {
        let mut left = self.uniform();
        let mut chosen = of[0].0;
        for (value, weight) in of {
            chosen = value;
            left -= weight;
            if left < 0.0 {
                break;
            }
        }
        chosen
    }
}

/// One row, complete, in the precision that the file shows.
#[derive(Clone, Copy, Debug)]
struct Project {
    /// Minutes since 1970 UTC.
    scored_at: i64,
    /// Days since 1970.
    start_date: i64,
    novelty_score: f64,
    market_size: f64,
    team_experience: f64,
    development_time: f64,
    category: &'static str,
    region: &'static str,
    output: f64,
    cost: f64,
}

/// Which values the file shows: of market_size, team_experience, region, output.
type Keep = [bool; 4];

fn to(digits: i32, v: f64) -> f64 {
    let unit = [1.0, 10.0, 100.0][digits as usize];
    (v * unit).round() / unit
}

impl Project {
    fn draw(draw: &mut Draw) -> (Project, Keep, bool) {
        let first = time::days_from_civil(2022, 1, 1) * 1440;
        let last = time::days_from_civil(2026, 1, 1) * 1440;
        let scored_at = first + (draw.uniform() * (last - first) as f64) as i64;
        let days = math::exp(draw.normal(6.0, 0.6)).max(10.0) as i64;
        let cost = to(1, math::exp(draw.normal(5.0, 0.8))).max(1.0);
        let project = Project {
            scored_at,
            start_date: scored_at.div_euclid(1440) - days,
            novelty_score: to(2, draw.normal(0.5, 0.22).clamp(0.0, 1.0)),
            market_size: to(1, math::exp(draw.normal(4.1, 1.1))).max(0.1),
            team_experience: to(1, math::exp(draw.normal(2.0, 0.6)).min(40.0)),
            development_time: math::exp(draw.normal(2.9, 0.5)).round().clamp(1.0, 90.0),
            category: draw.pick([
                ("biotech", 0.15),
                ("energy", 0.15),
                ("hardware", 0.2),
                ("services", 0.15),
                ("software", 0.35),
            ]),
            region: draw.pick([("APAC", 0.25), ("EU", 0.35), ("LATAM", 0.1), ("NA", 0.3)]),
            output: to(1, cost * math::exp(draw.normal(0.0, 0.6))).max(0.1),
            cost,
        };
        let keep = [0.03, 0.06, 0.02, 0.02].map(|missing| draw.uniform() >= missing);
        let success = draw.uniform() < project.chance();
        (project, keep, success)
    }

    /// The probability of success: the rule above.
    fn chance(&self) -> f64 {
        let days = (self.scored_at.div_euclid(1440) - self.start_date) as f64;
        let novelty = self.novelty_score - 0.5;
        let (of_category, takes_novelty) = match self.category {
            "biotech" => (-0.3, true),
            "energy" => (-0.2, true),
            "services" => (0.1, false),
            "software" => (0.4, false),
            _ => (0.0, false),
        };
        let of_region = match self.region {
            "APAC" => 0.1,
            "LATAM" => -0.3,
            "NA" => 0.2,
            _ => 0.0,
        };
        let score =
            3.5 * novelty + 0.5 * (math::ln(self.market_size) - 4.1) + 0.15 * (self.team_experience.min(15.0) - 8.0)
                - 0.06 * (self.development_time - 18.0)
                + 1.6 * math::ln(self.output / self.cost)
                - (math::ln(days) - 6.0)
                + of_category
                + of_region
                + if takes_novelty { 3.0 * novelty } else { 0.0 }
                - if self.market_size > 150.0 && self.team_experience < 5.0 { 1.5 } else { 0.0 };
        math::sigmoid(1.35 * score - 0.6)
    }

    fn cells(&self, keep: Keep, success: bool) -> [String; 11] {
        let (year, month, day) = time::civil_from_days(self.start_date);
        let scored_at = time::format_iso(self.scored_at as f64 * 60.0);
        let shown = |keep: bool, text: String| if keep { text } else { String::new() };
        [
            format!("{}Z", &scored_at[..16]),
            format!("{year:04}-{month:02}-{day:02}"),
            self.novelty_score.to_string(),
            shown(keep[0], self.market_size.to_string()),
            shown(keep[1], self.team_experience.to_string()),
            self.development_time.to_string(),
            self.category.into(),
            shown(keep[2], self.region.into()),
            shown(keep[3], self.output.to_string()),
            self.cost.to_string(),
            if success { "success" } else { "failure" }.into(),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn csv(rows: usize, seed: u64) -> String {
        let mut out = Vec::new();
        innovation(rows, seed, &mut out).expect("a vector takes everything");
        String::from_utf8(out).expect("text")
    }

    #[test]
    fn the_same_seed_gives_the_same_rows_and_fewer_are_the_first_of_more() {
        let (ten, hundred) = (csv(10, 7), csv(100, 7));
        assert!(hundred.starts_with(&ten));
        assert_eq!(hundred.lines().count(), 101);
        assert_eq!(ten, csv(10, 7));
        assert_ne!(ten, csv(10, 8));
        assert_eq!(ten.lines().next(), Some(INNOVATION.join(",").as_str()));
        assert!(innovation(MAX_ROWS + 1, 7, &mut Vec::new()).is_err());
    }

    #[test]
    fn the_columns_are_drawn_as_they_are_told() {
        let mut draw = Draw(1);
        let all: Vec<_> = (0..50_000).map(|_| Project::draw(&mut draw)).collect();
        let n = all.len() as f64;
        let mean = |f: &dyn Fn(&Project) -> f64| all.iter().map(|(p, ..)| f(p)).sum::<f64>() / n;
        let near = |got: f64, wanted: f64, by: f64| assert!((got - wanted).abs() < by, "{got}, not {wanted}");
        near(mean(&|p| p.novelty_score), 0.5, 0.005);
        near(mean(&|p| math::ln(p.market_size)), 4.1, 0.02);
        near(mean(&|p| math::ln(p.team_experience)), 2.0, 0.02);
        near(mean(&|p| math::ln(p.development_time)), 2.9, 0.02);
        near(mean(&|p| math::ln(p.output / p.cost)), 0.0, 0.02);
        near(mean(&|p| math::ln(p.cost)), 5.0, 0.02);
        near(mean(&|p| math::ln((p.scored_at / 1440 - p.start_date) as f64)), 6.0, 0.02);
        near(mean(&|p| f64::from(u8::from(p.category == "software"))), 0.35, 0.01);
        near(mean(&|p| f64::from(u8::from(p.region == "LATAM"))), 0.1, 0.01);
        for (k, missing) in [0.03, 0.06, 0.02, 0.02].into_iter().enumerate() {
            near(all.iter().filter(|(_, keep, _)| !keep[k]).count() as f64 / n, missing, 0.005);
        }
        near(all.iter().filter(|(.., success)| *success).count() as f64 / n, 0.4, 0.03);
    }

    /// The area under the curve of the rule itself: the share of pairs (a success, a failure) that it puts in order.
    #[test]
    fn the_rule_reaches_the_area_that_is_told() {
        let mut draw = Draw(2);
        let mut all: Vec<(f64, bool)> = (0..50_000)
            .map(|_| {
                let (project, _, success) = Project::draw(&mut draw);
                (project.chance(), success)
            })
            .collect();
        all.sort_by(|a, b| a.0.total_cmp(&b.0));
        let (mut failures, mut in_order) = (0.0, 0.0);
        for (_, success) in &all {
            if *success { in_order += failures } else { failures += 1.0 }
        }
        let auc = in_order / (failures * (all.len() as f64 - failures));
        assert!((auc - 0.9).abs() < 0.01, "{auc}");
    }
}
