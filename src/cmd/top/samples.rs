//! The few samples of `/metrics` that `doorward top` shows. The text is another machine's: what does not read as a sample is left out.

use std::collections::BTreeMap;

use super::VERDICTS;

/// Logins by verdict, in the order of [`VERDICTS`].
#[derive(Debug, Default, Clone, Copy)]
pub struct Counts([u64; 5]);

impl Counts {
    pub fn sum(&self) -> u64 {
        self.0.iter().sum()
    }

    pub fn cells(&self) -> [String; 5] {
        self.0.map(|count| count.to_string())
    }
}

/// One look.
#[derive(Debug, Default)]
pub struct Samples {
    pub connectors: BTreeMap<String, Counts>,
    pub in_flight: u64,
    /// What an operator should look at, when there is some of it.
    pub trouble: BTreeMap<&'static str, u64>,
}

const TROUBLE: [(&str, &str); 5] = [
    ("doorward_guard_refusals_total", "refused by the guard"),
    ("doorward_shed_total", "shed"),
    ("doorward_problems_total", "faulty calls"),
    ("doorward_audit_lines_lost_total", "audit lines lost"),
    ("doorward_panics_total", "panics"),
];

impl Samples {
    pub fn read(text: &str) -> Self {
        let mut samples = Self::default();
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let Some((name, value)) = line.rsplit_once(' ') else { continue };
            let Ok(value) = value.parse::<u64>() else { continue };
            let (name, labels) = name.split_once('{').unwrap_or((name, ""));
            match name {
                "doorward_logins_in_flight" => samples.in_flight = value,
                "doorward_logins_total" => samples.add(labels, value),
                _ => {
                    let of_name = TROUBLE.iter().find(|(trouble, _)| *trouble == name).filter(|_| value > 0);
                    if let Some((_, words)) = of_name {
                        *samples.trouble.entry(words).or_default() += value;
                    }
                }
            }
        }
        samples
    }

    fn add(&mut self, labels: &str, value: u64) {
        let label = |name: &str| labels.split_once(&format!("{name}=\""))?.1.split('"').next();
        let (Some(id), Some(verdict)) = (label("connector"), label("verdict")) else { return };
        let Some(at) = VERDICTS.iter().position(|known| *known == verdict) else { return };
        let counts = self.connectors.entry(if id.is_empty() { "(unknown)" } else { id }.to_owned()).or_default();
        counts.0[at] = counts.0[at].saturating_add(value);
    }

    pub fn of(&self, id: &str) -> Counts {
        self.connectors.get(id).copied().unwrap_or_default()
    }

    pub fn all(&self) -> Counts {
        let mut all = Counts::default();
        for counts in self.connectors.values() {
            for (sum, count) in all.0.iter_mut().zip(counts.0) {
                *sum = sum.saturating_add(count);
            }
        }
        all
    }
}
