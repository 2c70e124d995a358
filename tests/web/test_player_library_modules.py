"""What the library of the player page is made of, without the page: places, texts, lists that are read in pages."""

from typing import Any

from tests.web.player_page import Run

SHELF = """
    const { Shelf } = await load("views/shelf.js");
    document.body.innerHTML = "<ol></ol><div hidden><p></p><button hidden></button></div>";
    const [list, foot] = [document.querySelector("ol"), document.querySelector("div")];
    const asked = [];
    const shelf = new Shelf({ list, foot }, {
        fetchPage: (query) => new Promise((resolve, reject) => asked.push({ query, resolve, reject })),
        newRow: () => Object.assign(document.createElement("li"), { tabIndex: 0 }),
        fill: (row, { name }) => { row.textContent = name; },
        emptyText: (search) => `nothing ${search}`,
    });
    const things = (...names) => names.map((name) => ({ id: name[0], name }));
    const give = async (number, items, next_cursor = null, total = items.length) => {
        asked[number].resolve({ items, total, next_cursor });
        await new Promise((resolve) => setTimeout(resolve));
    };
    const shown = () => [...list.children].map((row) => row.textContent);
    const queries = () => asked.map(({ query }) => [query.search, query.limit, query.cursor]);
"""


def on_shelf(modules: Run, body: str) -> Any:
    return modules(SHELF + body)


def test_an_address_is_read_as_a_place_and_anything_else_as_the_tracks(modules: Run) -> None:
    addresses = [
        "",
        "#/tracks",
        "#/albums",
        "#/albums/12",
        "#/playlists/3",
        "#/albums/0",
        "#/albums/x",
        "#/artists",
        "#x",
    ]
    body = "const { parsePlace } = await load('place.js'); return given.map((one) => Object.values(parsePlace(one)));"
    tracks = ["tracks", None]
    there = [tracks, tracks, ["albums", None], ["albums", 12], ["playlists", 3]]
    assert modules(body, addresses) == [*there, *[tracks] * 4]
    body = "const { placeHash } = await load('place.js'); return [placeHash('albums'), placeHash('albums', 12)];"
    assert modules(body) == ["#/albums", "#/albums/12"]


def test_counts_and_lengths_are_said_as_people_say_them(modules: Run) -> None:
    body = "const { countText, lengthText } = await load('format.js'); return given.map((of) => "
    counted = modules(body + "countText(of, 'track'));", [0, 1, 1234])
    assert counted == ["0 tracks", "1 track", "1,234 tracks"]
    lengths = [None, 0, 59.6, 60, 89, 91, 3599, 3600, 9000, 86_400]
    said = modules(body + "lengthText(of));", lengths)
    assert said == ["", "0 s", "1 min", "1 min", "1 min", "2 min", "1 h", "1 h", "2 h 30 min", "24 h"]


def test_an_answer_to_an_earlier_search_is_dropped(modules: Run) -> None:
    body = """
        shelf.show({ search: "a", sort: "name" });
        shelf.show({ search: "b" });
        await give(1, things("b1"));
        await give(0, things("a1", "c"));
        return [shown(), shelf.total, queries()];
    """
    assert on_shelf(modules, body) == [["b1"], 1, [["a", 100, None], ["b", 100, None]]]


def test_what_changes_while_it_is_read_is_read_again(modules: Run) -> None:
    body = """
        shelf.show({ search: "", sort: "name" });
        shelf.refresh();
        shelf.refresh();
        await give(0, things("a1", "b1"));
        const row = list.children[1];
        row.focus();
        await give(1, things("b2", "a1", "c1"));
        const same = [document.activeElement === list.children[0], list.children[0] === row];
        return [shown(), same, [...list.children].map((row) => row.dataset.index), asked.length];
    """
    assert on_shelf(modules, body) == [["b2", "a1", "c1"], [True, True], ["0", "1", "2"], 2]


def test_as_much_is_read_again_as_was_shown(modules: Run) -> None:
    body = """
        const many = Array.from({ length: 700 }, (_, n) => ({ id: n, name: `${n}` }));
        shelf.show({ search: "", sort: "name" });
        await give(0, many.slice(0, 100), "x", 700);
        const all = shelf.reach(Infinity);
        await give(1, many.slice(99, 599), "y", 700);
        await give(2, many.slice(599), null, 700);
        const count = (await all).length;
        shelf.rearrange(await all);
        shelf.refresh();
        await give(3, many.slice(0, 500), "z", 700);
        await give(4, many.slice(500), null, 700);
        return [count, list.childElementCount, queries().map(([, ...rest]) => rest)];
    """
    count, rows, queries = on_shelf(modules, body)
    assert (count, rows) == (700, 700)
    assert queries == [[100, None], [500, "x"], [500, "y"], [500, None], [200, "z"]]


def test_what_is_moved_here_is_not_undone_by_an_answer_from_before(modules: Run) -> None:
    body = """
        shelf.show({ search: "", sort: "name" });
        await give(0, things("a1", "b1", "c1"));
        shelf.refresh();
        const [a, b, c] = shelf.items;
        shelf.rearrange([c, a]);
        await give(1, [a, b, c]);
        return [shown(), shelf.total];
    """
    assert on_shelf(modules, body) == [["c1", "a1"], 2]


def test_a_list_that_cannot_be_read_says_so_and_is_read_when_asked_again(modules: Run) -> None:
    body = """
        const told = () => [foot.firstElementChild.textContent, foot.lastElementChild.hidden];
        shelf.show({ search: "x", sort: "name" });
        asked[0].reject(new Error("No answer."));
        await new Promise((resolve) => setTimeout(resolve));
        const before = told();
        foot.lastElementChild.click();
        await give(1, []);
        return [before, told()];
    """
    assert on_shelf(modules, body) == [["No answer.", False], ["nothing x", True]]


def test_a_list_goes_on_to_its_end_however_fast_it_is_scrolled(modules: Run) -> None:
    body = """
        const { Shelf } = await load("views/shelf.js");
        document.body.innerHTML = "<ol></ol><div><p></p><button hidden></button></div>";
        const [list, foot] = [document.querySelector("ol"), document.querySelector("div")];
        const shelf = new Shelf({ list, foot }, {
            fetchPage: async ({ limit, cursor }) => {
                await fetch("/api/health"); // an answer takes a while
                const from = Number(cursor ?? 0);
                const items = Array.from({ length: limit }, (_, n) => ({ id: from + n }));
                return { items, total: 3000, next_cursor: from + limit < 3000 ? `${from + limit}` : null };
            },
            newRow: () => document.createElement("li"),
            fill: (row) => { row.style.height = "64px"; },
            emptyText: () => "",
        });
        shelf.show({ search: "", sort: "name" });
        const end = performance.now() + 20_000;
        while (list.childElementCount < 3000 && performance.now() < end) {
            scrollTo(0, document.body.scrollHeight);
            await new Promise((resolve) => requestAnimationFrame(resolve));
        }
        return [list.childElementCount, shelf.complete];
    """
    assert modules(body) == [3000, True]
