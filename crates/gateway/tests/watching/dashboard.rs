//! The dashboard: its queries against a gateway, and its form.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::expressions::grouped_by;
use crate::world::World;

const DASHBOARD: &str = include_str!("../../../../docker/grafana/dashboards/pollgate.json");
/// What finds nothing on a system that is well.
const EMPTY: [(&str, &str); 1] = [("ALERTS", "no alert fires")];

fn dashboard() -> Value {
    serde_json::from_str(DASHBOARD).unwrap()
}

fn list<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value[name].as_array().map(Vec::as_slice).unwrap_or_default()
}

/// The expression with what Grafana puts in for its variables.
fn filled_in(expression: &str) -> String {
    let filled = [("$__rate_interval", "1m"), ("$job", "pollgate"), ("$instance", ".*")]
        .iter()
        .fold(expression.to_owned(), |text, (name, value)| text.replace(name, value));
    assert!(!filled.contains('$'), "an unknown variable: {filled}");
    filled
}

#[test]
fn every_query_of_the_dashboard_finds_something() {
    let world = World::new();
    let dashboard = dashboard();
    let mut asked = 0;
    for panel in list(&dashboard, "panels") {
        for target in list(panel, "targets") {
            let expression = filled_in(target["expr"].as_str().unwrap());
            asked += 1;
            if let Some((_, why)) = EMPTY.iter().find(|(metric, _)| expression.starts_with(metric)) {
                assert_eq!(world.samples(&expression), [] as [Value; 0], "{why}");
                continue;
            }
            let samples = world.found(&expression);
            let legend = target["legendFormat"].as_str().unwrap_or_default();
            let named = legend.split("{{").skip(1).map(|rest| rest.split("}}").next().unwrap().to_owned());
            let grouped =
                grouped_by(&expression).into_iter().filter(|label| label != "le" || named_le(legend));
            for label in named.chain(grouped) {
                let has = |sample: &Value| sample["metric"].get(&label).is_some();
                // an empty label is no label: a main mailbox has no session
                assert!(
                    label == "session" || samples.iter().all(has),
                    "{expression}: no {label}: {samples:?}"
                );
            }
        }
    }
    assert!(asked > 70, "only {asked} queries");

    for variable in list(&dashboard["templating"], "list") {
        let query = filled_in(variable["query"]["query"].as_str().unwrap_or_default());
        let Some(inner) = query.strip_prefix("label_values(") else {
            assert_eq!(variable["type"], "datasource");
            continue;
        };
        let (selector, label) = inner.trim_end_matches(')').rsplit_once(", ").unwrap();
        let values = world.prometheus.label_values(label, selector).unwrap();
        assert_eq!(values.len(), 1, "{query}: {values:?}");
    }
}

fn named_le(legend: &str) -> bool {
    legend.contains("{{le}}")
}

#[test]
fn the_dashboard_is_in_order() {
    let dashboard = dashboard();
    let panels = list(&dashboard, "panels");
    let ids: BTreeSet<u64> = panels.iter().map(|panel| panel["id"].as_u64().unwrap()).collect();
    assert_eq!(ids.len(), panels.len(), "ids are unique");
    let mut covered = BTreeSet::new();
    for panel in panels {
        let title = panel["title"].as_str().unwrap();
        let [x, y, w, h] = ["x", "y", "w", "h"].map(|side| panel["gridPos"][side].as_u64().unwrap());
        assert!(w > 0 && h > 0 && x + w <= 24, "{title} stands outside");
        let cells = (x..x + w).flat_map(|column| (y..y + h).map(move |line| (column, line)));
        assert!(cells.into_iter().all(|cell| covered.insert(cell)), "{title} stands on another panel");
        if panel["type"] == "row" {
            continue;
        }
        assert_eq!(panel["datasource"]["uid"], "${datasource}", "{title}");
        let refs: BTreeSet<&str> =
            list(panel, "targets").iter().map(|t| t["refId"].as_str().unwrap()).collect();
        assert!(!refs.is_empty() && refs.len() == list(panel, "targets").len(), "{title}: refIds");
    }
}
