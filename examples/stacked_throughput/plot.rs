//! What was measured, as a picture.

use std::error::Error;
use std::fs;
use std::path::Path;

use measure::bulk;
use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use crate::axis::Axis;
use crate::figures::{Bulk, Carried, Figures};
use crate::size;

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
type Result<T = ()> = std::result::Result<T, Box<dyn Error>>;

const SIZE: (u32, u32) = (1200, 620);
/// Above the panels, and below them.
const TITLE: u32 = 70;
const LEGEND: u32 = 50;
const FONT: &str = "sans-serif";

/// Ours, and the peers; told apart by those who see colours otherwise, too.
const COLOURS: [RGBColor; 6] = [
    RGBColor(0, 90, 181),
    RGBColor(213, 94, 0),
    RGBColor(0, 140, 100),
    RGBColor(170, 70, 140),
    RGBColor(150, 110, 0),
    RGBColor(90, 90, 90),
];

/// One of the two charts.
struct Panel<'a> {
    title: String,
    axis: &'a str,
    bulk: Vec<&'a Bulk>,
    /// Where on the axis a point stands.
    at: fn(&Bulk) -> f64,
    /// What is written there.
    label: fn(f64) -> String,
}

/// Draws throughput against the size of writes, and against depth, into this file.
pub(crate) fn draw(figures: &Figures, path: &Path) -> Result {
    let mut text = String::new();
    {
        let all = SVGBackend::with_string(&mut text, SIZE).into_drawing_area();
        all.fill(&WHITE)?;
        let (title, rest) = all.split_vertically(TITLE);
        let (panels, legend) = rest.split_vertically(SIZE.1 - TITLE - LEGEND);
        write_title(figures, &title)?;
        let (left, right) = panels.split_horizontally(SIZE.0 / 2);
        let (sizes, sweep) = (figures.sizes(), figures.sweep());
        let write = bulk::size(figures.settings.depth_write_bytes);
        let depth = sizes.first().map_or(0, |bulk| bulk.depth);
        Panel {
            title: match depth {
                0 => "Throughput against the size of writes".to_owned(),
                _ => format!("Throughput against the size of writes, {depth} layers above"),
            },
            axis: "size of a write [bytes, logarithmic]",
            bulk: sizes,
            at: |bulk| (bulk.write_bytes as f64).log2(),
            label: |at| size::text(at.exp2().round() as usize),
        }
        .draw(&left)?;
        Panel {
            title: format!("Throughput against depth, writes of {write}"),
            axis: "layers above the stack that pass everything on",
            bulk: sweep,
            at: |bulk| bulk.depth as f64,
            label: |at| at.to_string(),
        }
        .draw(&right)?;
        write_legend(figures, &legend)?;
        all.present()?;
    }
    fs::write(path, text)?;
    Ok(())
}

impl Panel<'_> {
    fn draw(&self, area: &Area<'_>) -> Result {
        let ticks: Vec<f64> = self.bulk.iter().map(|bulk| (self.at)(bulk)).collect();
        let speeds = self.bulk.iter().flat_map(|bulk| &bulk.variants);
        let most = speeds.map(megabytes).fold(0.0, f64::max);

        let mut chart = ChartBuilder::on(area)
            .margin(10)
            .margin_right(24)
            .caption(&self.title, (FONT, 19))
            .x_label_area_size(56)
            .y_label_area_size(82)
            .build_cartesian_2d(Axis::new(ticks, self.label), 0.0..most * 1.08)?;
        chart
            .configure_mesh()
            .x_desc(self.axis)
            .y_desc("throughput [MB/s]")
            .axis_desc_style((FONT, 17))
            .label_style((FONT, 15))
            .y_label_formatter(&|speed| format!("{speed:.0}"))
            .light_line_style(WHITE)
            .bold_line_style(RGBColor(225, 225, 225))
            .draw()?;
        for (i, colour) in shown(&self.bulk[0].variants).zip(colours()) {
            let points = self.bulk.iter();
            let points = points.map(|bulk| ((self.at)(bulk), megabytes(&bulk.variants[i.0])));
            let points: Vec<_> = points.collect();
            chart.draw_series(LineSeries::new(points.clone(), colour.stroke_width(3)))?;
            let dots = points.into_iter();
            chart.draw_series(dots.map(|at| Circle::new(at, 4, colour.filled())))?;
        }
        Ok(())
    }
}

fn megabytes(carried: &Carried) -> f64 {
    carried.bytes_per_second.median / 1e6
}

/// Which variants have a line: all, but ours only once.
fn shown(variants: &[Carried]) -> impl Iterator<Item = (usize, &Carried)> {
    variants.iter().enumerate().filter(|(i, _)| *i != 1)
}

fn colours() -> impl Iterator<Item = RGBColor> {
    COLOURS.into_iter().cycle()
}

fn write_title(figures: &Figures, area: &Area<'_>) -> Result {
    let middle = SIZE.0 as i32 / 2;
    let centred = Pos::new(HPos::Center, VPos::Top);
    let style = |size| TextStyle::from((FONT, size)).pos(centred);
    // A long one in smaller letters.
    let size = (2000 / figures.drawn.len()).clamp(12, 24);
    area.draw_text(&figures.drawn, &style(size as i32), (middle, 14))?;
    area.draw_text(&figures.settings.load(), &style(16), (middle, 46))?;
    Ok(())
}

/// In a strip of its own, so that it covers no line.
fn write_legend(figures: &Figures, area: &Area<'_>) -> Result {
    let Some(bulk) = figures.bulk.first() else {
        return Ok(());
    };
    let names: Vec<_> = shown(&bulk.variants).map(|(_, it)| &it.name).collect();
    let width = ((SIZE.0 as i32 - 40) / names.len() as i32).min(230);
    // A name is mostly shorter than its place.
    let first = (SIZE.0 as i32 - width * names.len() as i32) / 2 + 10;
    let middle = LEGEND as i32 / 2;
    for (i, (name, colour)) in names.iter().zip(colours()).enumerate() {
        let left = first + width * i as i32;
        let line = [(left, middle), (left + 40, middle)];
        area.draw(&PathElement::new(line, colour.stroke_width(3)))?;
        area.draw(&Circle::new((left + 20, middle), 4, colour.filled()))?;
        let style = TextStyle::from((FONT, 17)).pos(Pos::new(HPos::Left, VPos::Center));
        area.draw_text(name, &style, (left + 50, middle))?;
    }
    Ok(())
}
