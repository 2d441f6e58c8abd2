//! Charts as inline SVG, drawn by plotters on a canvas of twice the size shown (it works in whole pixels).
//!
//! Plotters writes fixed colours; a page has two themes. So charts are drawn in marker colours, which become the page's CSS
//! variables afterwards ([`THEMED`]).

use super::page::escape;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

/// One line of a chart.
pub(super) struct Line<'a> {
    /// What it is, for the legend.
    pub(super) name: &'a str,
    pub(super) points: Vec<(f64, f64)>,
    /// Points are marked as well.
    pub(super) dots: bool,
}

/// What a chart shows.
pub(super) struct Chart<'a> {
    /// Read out in place of the picture.
    pub(super) title: &'a str,
    pub(super) x_label: &'a str,
    pub(super) y_label: &'a str,
    pub(super) x: (f64, f64),
    pub(super) y: (f64, f64),
    /// At most [`SERIES`]; more are not drawn.
    pub(super) lines: Vec<Line<'a>>,
    /// A dashed line for comparison.
    pub(super) guide: Option<[(f64, f64); 2]>,
    /// A vertical mark and what it means.
    pub(super) mark: Option<(f64, &'a str)>,
}

/// Lines that can be told apart.
pub(super) const SERIES: usize = 8;

const INK: RGBColor = RGBColor(1, 1, 1);
const GRID: RGBColor = RGBColor(2, 2, 2);
const AXIS: RGBColor = RGBColor(3, 3, 3);
const LINES: [RGBColor; SERIES] = [
    RGBColor(4, 4, 1),
    RGBColor(4, 4, 2),
    RGBColor(4, 4, 3),
    RGBColor(4, 4, 4),
    RGBColor(4, 4, 5),
    RGBColor(4, 4, 6),
    RGBColor(4, 4, 7),
    RGBColor(4, 4, 8),
];

/// Marker colours as plotters writes them, and what the page calls them.
const THEMED: [(&str, &str); 3 + SERIES] = [
    ("#010101", "var(--muted)"),
    ("#020202", "var(--grid)"),
    ("#030303", "var(--axis)"),
    ("#040401", "var(--s1)"),
    ("#040402", "var(--s2)"),
    ("#040403", "var(--s3)"),
    ("#040404", "var(--s4)"),
    ("#040405", "var(--s5)"),
    ("#040406", "var(--s6)"),
    ("#040407", "var(--s7)"),
    ("#040408", "var(--s8)"),
];

/// Twice the size in CSS pixels.
const SIZE: (u32, u32) = (880, 660);

impl Chart<'_> {
    /// The chart as a `<figure>`, its legend as HTML above it. A chart that cannot be drawn is a sentence that says so.
    pub(super) fn figure(&self) -> String {
        let legend: String = if self.lines.len() < 2 {
            String::new()
        } else {
            let item = |(i, l): (usize, &Line<'_>)| {
                format!("<li><i style=\"background:var(--s{})\"></i>{}</li>", i + 1, escape(l.name))
            };
            let items: String = self.lines.iter().take(SERIES).enumerate().map(item).collect();
            format!("<ul class=\"legend\">{items}</ul>")
        };
        let picture = match self.svg() {
            Ok(svg) => svg,
            Err(e) => format!("<p>This chart could not be drawn: {}</p>", escape(&e.to_string())),
        };
        let title = escape(self.title);
        format!("<figure><figcaption>{title}</figcaption>{legend}{picture}</figure>\n")
    }

    fn svg(&self) -> Result<String, Box<dyn std::error::Error>> {
        let mut out = String::new();
        {
            let root = SVGBackend::with_string(&mut out, SIZE).into_drawing_area();
            let text = |size: i32| ("sans-serif", size).into_font().color(&INK);
            let mut chart = ChartBuilder::on(&root)
                .margin(12)
                .margin_right(28)
                .x_label_area_size(78)
                .y_label_area_size(96)
                .build_cartesian_2d(self.x.0..self.x.1, self.y.0..self.y.1)?;
            chart
                .configure_mesh()
                .disable_x_mesh()
                .max_light_lines(0)
                .bold_line_style(GRID.stroke_width(2))
                .axis_style(AXIS.stroke_width(2))
                .x_labels(6)
                .y_labels(6)
                .x_label_formatter(&|v| tick(*v, self.x))
                .y_label_formatter(&|v| tick(*v, self.y))
                .label_style(text(28))
                .axis_desc_style(text(28))
                .x_desc(self.x_label)
                .y_desc(self.y_label)
                .draw()?;
            if let Some([a, b]) = self.guide {
                chart.draw_series(DashedLineSeries::new([a, b], 10, 10, AXIS.stroke_width(2)))?;
            }
            if let Some((x, what)) = self.mark {
                let ends = [(x, self.y.0), (x, self.y.1)];
                chart.draw_series(DashedLineSeries::new(ends, 10, 10, AXIS.stroke_width(2)))?;
                let left = x > (self.x.0 + self.x.1) / 2.0;
                let pos = Pos::new(if left { HPos::Right } else { HPos::Left }, VPos::Top);
                let style = text(28).pos(pos);
                let (shift, at) = (if left { -12 } else { 12 }, (x, self.y.1));
                chart.draw_series([EmptyElement::at(at) + Text::new(what.to_owned(), (shift, 6), style)])?;
            }
            for (line, color) in self.lines.iter().zip(LINES) {
                chart.draw_series(LineSeries::new(line.points.iter().copied(), color.stroke_width(4)))?;
                if line.dots {
                    chart.draw_series(line.points.iter().map(|p| Circle::new(*p, 8, color.filled())))?;
                }
            }
            root.present()?;
        }
        for (marker, variable) in THEMED {
            out = out.replace(marker, variable);
        }
        let label = format!("<svg role=\"img\" aria-label=\"{}\" ", escape(self.title));
        Ok(out.replacen("<svg ", &label, 1))
    }
}

/// A tick's text: as many decimals as the range needs.
fn tick(v: f64, range: (f64, f64)) -> String {
    let width = range.1 - range.0;
    let v = if v.abs() < width * 1e-9 { 0.0 } else { v };
    if width >= 20.0 {
        format!("{v:.0}")
    } else if width >= 0.5 {
        format!("{v:.1}")
    } else if width >= 0.05 {
        format!("{v:.2}")
    } else {
        format!("{v:.3}")
    }
}

/// At most about 2 / `step` of the points: those that moved by `step` (of 1) since the last one kept, and the ends.
pub(super) fn thinned(points: &[(f64, f64)], step: f64) -> Vec<(f64, f64)> {
    let mut out: Vec<(f64, f64)> = Vec::new();
    for (i, &p) in points.iter().enumerate() {
        let moved = out.last().is_none_or(|q| (p.0 - q.0).abs() >= step || (p.1 - q.1).abs() >= step);
        if moved || i + 1 == points.len() {
            out.push(p);
        }
    }
    out
}
