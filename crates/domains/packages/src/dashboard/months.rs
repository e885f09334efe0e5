//! Months side by side (spec/packages §10.6), and months of DuckDB extensions.

use indexmap::IndexMap;
use jiff::civil::Date;
use serde_json::{Value, json};
use tallykeep_control::packages::{DuckdbMonth, PackagesMetric};

use crate::{
    config::Config,
    days::{javascript_instant, latest_completed_month, month_after},
    months::{MonthPoint, find},
};

/// Month totals by `<product>_<sdk>`, `<sdk>`, `<product>` and `total` (spec §10.6).
pub fn monthly_snapshots(
    config: &Config,
    points: &[(&PackagesMetric, &[MonthPoint])],
    latest: Date,
) -> Vec<IndexMap<String, Value>> {
    let Some(first) = points.iter().filter_map(|(_, p)| p.first()).map(|p| p.period_end).min() else {
        return Vec::new();
    };
    let name = |metric: &PackagesMetric| metric.sdk.clone().unwrap_or_else(|| metric.source.clone());
    let mut columns: Vec<(String, String)> = Vec::new();
    let mut products: Vec<String> = config.products.iter().map(|product| product.id.clone()).collect();
    let mut sdks: Vec<String> = Vec::new();
    for (metric, _) in points {
        let sdk = name(metric);
        if !columns.contains(&(metric.product.clone(), sdk.clone())) {
            columns.push((metric.product.clone(), sdk.clone()));
        }
        if !sdks.contains(&sdk) {
            sdks.push(sdk);
        }
        if !products.contains(&metric.product) {
            products.push(metric.product.clone());
        }
    }
    products.retain(|id| columns.iter().any(|(product, _)| product == id));
    // Where each metric's number goes: its column, SDK and product, by place.
    let places: Vec<(usize, usize, usize)> = points
        .iter()
        .map(|(metric, _)| {
            let sdk = name(metric);
            let column = columns.iter().position(|(product, name)| *product == metric.product && *name == sdk);
            let place = |list: &[String], text: &str| list.iter().position(|entry| entry == text).unwrap_or(0);
            (column.unwrap_or(0), place(&sdks, &sdk), place(&products, &metric.product))
        })
        .collect();
    let column_names: Vec<String> = columns.iter().map(|(product, sdk)| format!("{product}_{sdk}")).collect();
    let mut rows = Vec::new();
    let mut end = first;
    while end <= latest_completed_month(latest) {
        let (mut by_column, mut by_sdk, mut by_product) =
            (vec![None::<i64>; columns.len()], vec![0; sdks.len()], vec![0; products.len()]);
        let (mut total, mut present, mut expected, mut sources) = (0, 0, 0, 0);
        let (mut was, mut synthetic) = (None::<i64>, false);
        for ((_, points), (column, sdk, product)) in points.iter().zip(&places) {
            let Some(point) = find(points, end) else { continue };
            *by_column[*column].get_or_insert(0) += point.value;
            by_sdk[*sdk] += point.value;
            by_product[*product] += point.value;
            total += point.value;
            present += point.days_present;
            expected += point.days_expected;
            sources += 1;
            synthetic |= point.synthetic;
            if let Some(old) = point.was {
                *was.get_or_insert(0) += old - point.value;
            }
        }
        if sources > 0 {
            let mut row = IndexMap::with_capacity(columns.len() + sdks.len() + products.len() + 9);
            row.insert("period_end".to_owned(), json!(end));
            for (name, value) in column_names.iter().zip(&by_column) {
                row.insert(name.clone(), Value::from(value.unwrap_or(0)));
            }
            for (sdk, value) in sdks.iter().zip(by_sdk) {
                row.entry(sdk.clone()).or_insert(Value::from(value));
            }
            for (product, value) in products.iter().zip(by_product) {
                row.entry(product.clone()).or_insert(Value::from(value));
            }
            row.insert("total".to_owned(), json!(total));
            row.insert("days_present".to_owned(), json!(present));
            row.insert("days_expected".to_owned(), json!(expected));
            row.insert("metrics_present".to_owned(), json!(sources));
            row.insert("metrics_expected".to_owned(), json!(points.len()));
            if synthetic {
                row.insert("synthetic".to_owned(), json!(true));
            }
            let state = if present < expected || synthetic {
                "provisional"
            } else if was.is_some() {
                "restated"
            } else {
                "final"
            };
            row.insert("state".to_owned(), json!(state));
            if let Some(difference) = was {
                row.insert("was".to_owned(), json!(total + difference));
            }
            // Columns no metric had a point for are unknown, which the clients cannot read as null: they are named here.
            let missing: Vec<&String> = column_names
                .iter()
                .zip(&by_column)
                .filter(|(_, value)| value.is_none())
                .map(|(name, _)| name)
                .collect();
            row.insert("missing".to_owned(), json!(missing));
            rows.push(row);
        }
        end = month_after(end);
    }
    rows
}

pub fn duckdb_month(month: &DuckdbMonth) -> Value {
    json!({
        "month_start": month.month_start, "month_label": month.month_label, "core_downloads": month.core_downloads,
        "community_downloads": month.community_downloads, "total_downloads": month.total_downloads,
        "is_partial_month": month.is_partial_month,
        "latest_source_update_at": javascript_instant(month.latest_source_update_at),
        "weeks_present": month.weeks_present, "weeks_expected": month.weeks_expected, "extension": month.extension,
    })
}
