//! What an expression of Prometheus asks for: selectors, and the labels it groups by. No parser: just enough for what ships.

/// The selectors in an expression; one that offers several values for a label (`=~"a|b"`) once for each.
pub(crate) fn selectors(expression: &str) -> Vec<String> {
    let part_of_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | ':');
    let mut found = Vec::new();
    let mut rest = expression;
    while let Some(start) = rest.find(part_of_name) {
        rest = &rest[start..];
        let (name, after) = rest.split_at(rest.find(|c| !part_of_name(c)).unwrap_or(rest.len()));
        let matchers = if after.starts_with('{') { &after[..=after.find('}').unwrap()] } else { "" };
        if name == "up" || name.contains("pollgate_") || name.starts_with("rabbitmq_") {
            found.extend(each_alternative(&format!("{name}{matchers}")));
        }
        rest = &after[matchers.len()..];
    }
    found
}

fn each_alternative(selector: &str) -> Vec<String> {
    let Some((before, rest)) = selector.split_once("=~\"") else { return vec![selector.to_owned()] };
    let (alternatives, after) = rest.split_once('"').unwrap();
    if alternatives.contains(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '|'))) {
        return vec![selector.to_owned()];
    }
    let one = |value: &str| each_alternative(&format!("{before}=\"{value}\"{after}"));
    alternatives.split('|').flat_map(one).collect()
}

/// The labels that an expression groups or joins by.
pub(crate) fn grouped_by(expression: &str) -> Vec<String> {
    let lists = ["by (", "on ("].into_iter().flat_map(|word| expression.split(word).skip(1));
    let labels = lists.flat_map(|rest| rest.split(')').next().unwrap().split(','));
    labels.map(|label| label.trim().to_owned()).collect()
}

#[test]
fn selectors_and_labels_are_found() {
    let expression = r#"sum by (job, le) (rate(pollgate_a_bucket{end="x",limit=~"one|two"}[5m])) > up and on (job) job:pollgate_b:ratio"#;
    assert_eq!(
        selectors(expression),
        [
            r#"pollgate_a_bucket{end="x",limit="one"}"#,
            r#"pollgate_a_bucket{end="x",limit="two"}"#,
            "up",
            "job:pollgate_b:ratio"
        ]
    );
    assert_eq!(grouped_by(expression), ["job", "le", "job"]);
    assert_eq!(selectors(r#"rabbitmq_x{instance=~".*"}"#), [r#"rabbitmq_x{instance=~".*"}"#]);
}
