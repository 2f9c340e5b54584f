//! The guide's numbers are true, and the layer that it grows is the example's.
//!
//! A line of code is one that is neither blank nor only a comment, nor an import. What is counted is
//! marked in the guide: in Rust by lines that the reader does not see, in Java by the block.

const GUIDE: &str = include_str!("../../crates/stack/src/guide/mod.rs");
const WATCH: &str = include_str!("../../crates/stack/src/guide/step_01_watch.rs");
const CHANGE: &str = include_str!("../../crates/stack/src/guide/step_02_change.rs");
const TELL: &str = include_str!("../../crates/stack/src/guide/step_10_tell.rs");
const COMPARED: &str = include_str!("../../crates/stack/src/guide/compared.rs");
const EXAMPLE: &str = include_str!("../../crates/stack/examples/records.rs");

const FROM: &str = "// counted from here";
const TO: &str = "// counted to here";

#[test]
fn the_table_says_how_many_lines_there_are() {
    assert_eq!(
        row("| [watches]"),
        [
            count(&between(&page(WATCH), FROM, TO)),
            count(&between(
                &page(COMPARED),
                "<!-- counted: netty-watch -->",
                "```"
            )),
        ]
    );
    assert_eq!(
        row("| [changes bytes both ways]"),
        [
            count(&between(&page(CHANGE), FROM, TO)),
            count(&between(
                &page(COMPARED),
                "<!-- counted: netty-change -->",
                "```"
            )),
            count(&between(&page(COMPARED), FROM, TO)),
        ]
    );
    let whole = format!("is {} lines.", count(&example_layer()));
    assert!(page(GUIDE).join(" ").contains(&whole), "{whole}");
}

#[test]
fn a_watch_is_ten_lines_at_most_and_a_change_twenty() {
    assert!(count(&between(&page(WATCH), FROM, TO)) <= 10);
    assert!(count(&between(&page(CHANGE), FROM, TO)) <= 20);
}

/// The last page of the guide shows the example itself; the page before the tests grows it.
#[test]
fn the_layer_that_the_steps_grow_is_the_example() {
    let grown = between(
        &page(TELL),
        "// the layer from here",
        "// the layer to here",
    );
    assert_eq!(code(&grown), code(&example_layer()));
}

fn example_layer() -> Vec<String> {
    let lines: Vec<String> = EXAMPLE.lines().map(str::to_owned).collect();
    let main = "#[tokio::main(flavor = \"current_thread\")]";
    let mut layer = between(&lines, "const HEADER: usize = 2;", main);
    layer.insert(0, "const HEADER: usize = 2;".to_owned());
    layer
}

/// The lines of a page of documentation, those of its code that a reader does not see as well.
fn page(source: &str) -> Vec<String> {
    let lines = source.lines().filter_map(|line| line.strip_prefix("//!"));
    let lines = lines.map(|line| line.strip_prefix(' ').unwrap_or(line));
    let lines = lines.map(|line| match line {
        "#" => "",
        _ => line.strip_prefix("# ").unwrap_or(line),
    });
    lines.map(str::to_owned).collect()
}

/// The lines between the one that is `from` and the next one that is `to`; a fence right behind
/// `from` opens the block.
fn between(lines: &[String], from: &str, to: &str) -> Vec<String> {
    let at = lines.iter().position(|line| line == from);
    let mut rest = &lines[at.expect(from) + 1..];
    if rest[0].starts_with("```") {
        rest = &rest[1..];
    }
    let len = rest.iter().position(|line| line == to).expect(to);
    rest[..len].to_vec()
}

/// The lines of code.
fn code(lines: &[String]) -> Vec<&str> {
    let lines = lines.iter().map(|line| line.as_str());
    let code = lines.filter(|line| {
        let line = line.trim();
        !line.is_empty()
            && !["//", "use ", "import "]
                .iter()
                .any(|no| line.starts_with(no))
    });
    code.collect()
}

fn count(lines: &[String]) -> usize {
    code(lines).len()
}

/// The numbers in the row of the guide's table that begins so.
fn row(begins: &str) -> Vec<usize> {
    let lines = page(GUIDE);
    let row = lines.iter().find(|line| line.starts_with(begins));
    let cells = row.expect(begins).split('|').map(str::trim);
    cells.filter_map(|cell| cell.parse().ok()).collect()
}
