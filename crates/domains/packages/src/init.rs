//! `packages init`: a configuration from package and repository names, each asked for at its registry.

use jiff::civil::Date;
use serde::Serialize;

use crate::{
    collectors::{Asker, SOURCES, daily_source, github},
    config::{Config, ConfigError, Evidence, Family, Metric, Months, Product, Project, titled},
    days::{after, before, latest_completed_day},
    signals::slug,
};

/// What to count.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    pub title: String,
    /// `pypi:name`, `npm:@scope/name`, `crates:name`, or with the source's own id; `product=` in front assigns a product.
    pub packages: Vec<String>,
    /// `owner/repository`, with `product=` in front as well.
    pub repositories: Vec<String>,
}

/// What an upstream says about one name.
#[derive(Debug, Clone, Serialize)]
pub struct Checked {
    pub metric_id: String,
    pub subject: String,
    pub registry: String,
    pub found: bool,
    pub message: String,
}

/// Short names of registries people know, and our source ids.
const NICKNAMES: [(&str, &str); 5] = [
    ("pypi", "pypistats"),
    ("crates", "cratesio"),
    ("crates.io", "cratesio"),
    ("cran", "cranlogs"),
    ("php", "packagist"),
];

/// A configuration of what is wanted, not asked for yet. Errors name the entry.
pub fn propose(wanted: &Wanted, today: Date) -> Result<Config, ConfigError> {
    let mut metrics: Vec<Metric> = Vec::new();
    let mut products: Vec<Product> = Vec::new();
    let mut product = |id: &str| {
        if !products.iter().any(|p: &Product| p.id == id) {
            products.push(Product { id: id.to_owned(), title: titled(id), order: None, color: None, subtitle: None });
        }
    };
    for entry in &wanted.packages {
        let (given, entry) = entry.split_once('=').map_or((None, entry.as_str()), |(p, e)| (Some(slug(p)), e));
        let Some((registry, name)) = entry.split_once(':').filter(|(_, name)| !name.trim().is_empty()) else {
            return Err(ConfigError(format!("`{entry}`: write <registry>:<package>, e.g. pypi:requests")));
        };
        let id = NICKNAMES.iter().find(|(nick, _)| *nick == registry).map_or(registry, |(_, id)| *id);
        let Some(source) = daily_source(id) else {
            let known: Vec<&str> = SOURCES.iter().map(|s| s.about().id).collect();
            return Err(ConfigError(format!(
                "`{entry}`: no registry `{registry}`; there are pypi, npm, crates, cran, php ({})",
                known.join(", ")
            )));
        };
        let of = given.unwrap_or_else(|| slug(name.trim_start_matches('@').split('/').next().unwrap_or(name)));
        product(&of);
        let mut metric_id = format!("downloads:{of}:{}", source.about().sdk);
        if metrics.iter().any(|m| m.id == metric_id) {
            metric_id = format!("downloads:{of}:{}", slug(name));
        }
        metrics.push(Metric {
            id: metric_id,
            family: Family::Downloads,
            product: of,
            source: id.to_owned(),
            subject: name.trim().to_owned(),
            sdk: Some(source.about().sdk.to_owned()),
            display_name: match source.about().sdk {
                "python" => "Python".to_owned(),
                "nodejs" => "NodeJS".to_owned(),
                "rust" => "Rust".to_owned(),
                other => other.to_uppercase(),
            },
            is_active: true,
            absent_means_zero: false,
        });
    }
    for entry in &wanted.repositories {
        let (given, name) = entry.split_once('=').map_or((None, entry.as_str()), |(p, e)| (Some(slug(p)), e));
        let repo = name.split('/').nth(1).unwrap_or(name);
        let of = given.unwrap_or_else(|| slug(repo));
        product(&of);
        metrics.push(Metric {
            id: format!("stars:{}:github", slug(repo)),
            family: Family::Stars,
            product: of,
            source: "github".to_owned(),
            subject: name.trim().to_owned(),
            sdk: None,
            display_name: "GitHub Stars".to_owned(),
            is_active: true,
            absent_means_zero: false,
        });
    }
    if metrics.is_empty() {
        return Err(ConfigError(
            "name at least one package (--package pypi:requests) or repository (--repository owner/name)".to_owned(),
        ));
    }
    let subjects = metrics.iter().filter(|m| m.family == Family::Downloads).map(|m| m.subject.clone()).collect();
    let title =
        if wanted.title.trim().is_empty() { titled(&metrics[0].product) } else { wanted.title.trim().to_owned() };
    // A new project has no month snapshots: its months are sums from the start.
    let start = before(today.first_of_month(), 1).first_of_month();
    let start = before(start, 5 * 365).first_of_month();
    Config {
        project: Project { title, subtitle: "Package downloads and repository stars. Downloads are package pulls by people, build servers and mirrors; they are not users.".to_owned() },
        products,
        metrics,
        months: Months { snapshot_cutoff: before(start, 1), daily_start: start, synthetic: Vec::new() },
        evidence: Evidence { terms: subjects, relations: Vec::new() },
        duckdb: crate::config::Duckdb { extension: String::new(), ..Default::default() },
        ..Config::default()
    }
    .checked()
}

/// Asks every registry whether it knows the name.
pub async fn check(asker: &Asker, config: &Config) -> Vec<Checked> {
    let latest = latest_completed_day(asker.clock);
    let mut checked = Vec::new();
    for metric in &config.metrics {
        let (registry, answer) = match (metric.family, daily_source(&metric.source)) {
            (Family::Stars, _) => {
                let answer = github::repository(asker, &metric.subject).await;
                (
                    "GitHub",
                    answer.map(|r| {
                        format!(
                            "{} stars{}",
                            r.stars,
                            r.full_name
                                .filter(|n| !n.eq_ignore_ascii_case(&metric.subject))
                                .map_or_else(String::new, |n| format!(", now named {n}"))
                        )
                    }),
                )
            }
            (_, Some(source)) => {
                let answer = source.daily(asker, &metric.subject, before(latest, 6), latest).await;
                let told = answer.map(|fetched| {
                    let week: i64 = fetched.days.range(before(latest, 6)..after(latest, 1)).map(|(_, n)| n).sum();
                    format!("{week} downloads in the last seven days")
                });
                (source.about().registry, told)
            }
            (_, None) => (metric.source.as_str(), Ok("no collector: its rows are imported".to_owned())),
        };
        let found = answer.is_ok();
        checked.push(Checked {
            metric_id: metric.id.clone(),
            subject: metric.subject.clone(),
            registry: registry.to_owned(),
            found,
            message: answer.unwrap_or_else(|error| error.to_string()),
        });
    }
    checked
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn a_configuration_from_names() {
        let wanted = Wanted {
            title: String::new(),
            packages: ["pypi:requests", "npm:@acme/tool", "tools=crates:acme"].map(str::to_owned).to_vec(),
            repositories: vec!["tools=acme/tool".to_owned()],
        };
        let config = propose(&wanted, date(2026, 3, 8)).expect("fine");
        let ids: Vec<&str> = config.metrics.iter().map(|m| m.id.as_str()).collect();
        assert_eq!(
            ids,
            ["downloads:requests:python", "downloads:acme:nodejs", "downloads:tools:rust", "stars:tool:github"]
        );
        assert_eq!(Config::parse(&config.to_toml().expect("TOML")).expect("its own text"), config);
        let wrong = Wanted { packages: vec!["gem:rails".to_owned()], ..Wanted::default() };
        assert!(propose(&wrong, date(2026, 3, 8)).expect_err("unknown").to_string().contains("no registry `gem`"));
        assert!(propose(&Wanted::default(), date(2026, 3, 8)).is_err());
    }
}
