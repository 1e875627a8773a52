//! Curves and bars as SVG, by `plotters`.

use std::path::Path;

use anyhow::{Result, anyhow};
use plotters::prelude::*;

const SIZE: (u32, u32) = (720, 400);

/// A picture of numbers.
pub struct Plot {
    /// Of its file.
    pub name: &'static str,
    pub title: String,
    pub x: &'static str,
    pub y: &'static str,
    pub what: Drawn,
}

pub enum Drawn {
    /// A curve each; x is drawn by its logarithm.
    Curves(Vec<(String, Vec<(f64, f64)>)>),
    Bars(Vec<(String, f64)>),
}

impl Plot {
    pub fn draw(&self, to: &Path) -> Result<()> {
        let area = SVGBackend::new(to, SIZE).into_drawing_area();
        area.fill(&WHITE).map_err(failed)?;
        match &self.what {
            Drawn::Curves(curves) => self.curves(&area, curves),
            Drawn::Bars(bars) => self.bars(&area, bars),
        }?;
        area.present().map_err(failed)
    }

    fn curves(&self, area: &Area<'_>, curves: &[(String, Vec<(f64, f64)>)]) -> Result<()> {
        let points = || curves.iter().flat_map(|(_, points)| points);
        let (least, most) = points().fold((f64::MAX, f64::MIN), |(least, most), (x, _)| (least.min(*x), most.max(*x)));
        let top = points().fold(0.0_f64, |top, (_, y)| top.max(*y)) * 1.1;
        let mut chart = ChartBuilder::on(area)
            .caption(&self.title, ("sans-serif", 18))
            .margin(12)
            .x_label_area_size(36)
            .y_label_area_size(56)
            .build_cartesian_2d((least..most).log_scale(), 0.0..top)
            .map_err(failed)?;
        chart.configure_mesh().x_desc(self.x).y_desc(self.y).light_line_style(WHITE).draw().map_err(failed)?;
        for (number, (name, points)) in curves.iter().enumerate() {
            let colour = Palette99::pick(number).to_rgba();
            let line = LineSeries::new(points.iter().copied(), colour.stroke_width(2));
            chart
                .draw_series(line)
                .map_err(failed)?
                .label(name)
                .legend(move |(x, y)| PathElement::new([(x, y), (x + 20, y)], colour.stroke_width(2)));
        }
        let labels = chart.configure_series_labels().background_style(WHITE.mix(0.8)).border_style(BLACK).draw();
        labels.map_err(failed)
    }

    fn bars(&self, area: &Area<'_>, bars: &[(String, f64)]) -> Result<()> {
        let top = bars.iter().fold(0.0_f64, |top, (_, value)| top.max(*value)) * 1.15;
        let mut chart = ChartBuilder::on(area)
            .caption(&self.title, ("sans-serif", 18))
            .margin(12)
            .x_label_area_size(36)
            .y_label_area_size(220)
            .build_cartesian_2d(0.0..top, (0..bars.len()).into_segmented())
            .map_err(failed)?;
        let name = |at: &SegmentValue<usize>| match at {
            SegmentValue::CenterOf(at) => bars.get(*at).map_or_else(String::new, |(name, _)| name.clone()),
            SegmentValue::Exact(_) | SegmentValue::Last => String::new(),
        };
        let mut mesh = chart.configure_mesh();
        mesh.x_desc(self.x).light_line_style(WHITE).disable_y_mesh().y_labels(bars.len()).y_label_formatter(&name);
        mesh.draw().map_err(failed)?;
        let drawn = bars.iter().enumerate().map(|(at, (_, value))| {
            let corners = [(0.0, SegmentValue::Exact(at)), (*value, SegmentValue::Exact(at + 1))];
            let mut bar = Rectangle::new(corners, Palette99::pick(0).filled());
            bar.set_margin(4, 4, 0, 0);
            bar
        });
        chart.draw_series(drawn).map_err(failed)?;
        Ok(())
    }
}

type Area<'a> = DrawingArea<SVGBackend<'a>, plotters::coord::Shift>;

fn failed(error: impl std::fmt::Display) -> anyhow::Error {
    anyhow!("a plot cannot be drawn: {error}")
}
