"""A task's form: controls from type hints, prefilled, refused with errors, harmless when sent twice."""

import pytest
from flask.testing import FlaskClient
from web_room import HTMX, OWNER, Room, filled, one, page, post, soup, words


def test_each_type_hint_has_its_native_control(client: FlaskClient) -> None:
    form = one(page(client, "/tasks/everything"), "form.task-form")

    kinds = {name: one(form, f"#everything-{name}") for name in ("name", "count", "ratio", "day", "moment")}

    assert {name: field["type"] for name, field in kinds.items()} == {
        "name": "text",
        # A number field would drop a comma, and 1,5 would become 15.
        "count": "text",
        "ratio": "text",
        "day": "date",
        "moment": "datetime-local",
    }
    assert one(form, "textarea#everything-note")
    assert len(form.select("#everything-size input[type=radio]")) == 2
    assert len(form.select("select#everything-planet option")) == 6
    assert len(form.select("#everything-extras input[type=checkbox]")) == 2
    assert one(form, "textarea#everything-words").get_text() == "\none\ntwo"


def test_every_control_has_a_label(client: FlaskClient) -> None:
    form = one(page(client, "/tasks/everything"), "form.task-form")

    for field in form.select("input:not([type=hidden]), select, textarea"):
        assert form.select(f'label[for="{field["id"]}"]') or field.find_parent("label"), field


def test_limits_and_help_are_shown_and_tied_to_the_control(client: FlaskClient) -> None:
    form = page(client, "/tasks/picture")
    field = one(form, "#picture-width")

    assert field["inputmode"] == "numeric"
    assert words(one(form, f"#{field['aria-describedby']}")) == "In pixels. 10 to 1,600."


def test_optional_fields_are_marked(client: FlaskClient) -> None:
    form = page(client, "/tasks/everything")

    assert words(one(form, 'label[for="everything-limit"]')) == "Limit optional"
    assert words(one(form, 'label[for="everything-name"]')) == "Name"
    assert words(one(form, 'label[for="everything-note"]')) == "Note optional"
    assert words(one(form, 'label[for="everything-words"]')) == "Words"


def test_the_form_as_it_stands_is_accepted(client: FlaskClient, room: Room) -> None:
    sent = filled(one(page(client, "/tasks/everything"), "form.task-form"))

    response = post(client, "everything", {**sent, "name": "Ann", "count": "3"})

    assert response.status_code == 303
    job = room.job(response.location.rsplit("/", 1)[1])
    assert job.arguments_by_name == {
        "name": "Ann",
        "count": 3,
        "ratio": 0.5,
        "price": "9.90",
        "note": "",
        "day": "2026-11-23",
        "moment": None,
        "size": "s",
        "planet": "Earth",
        "extras": ["salt"],
        "words": ["one", "two"],
        "limit": None,
    }
    assert (job.owner, job.max_attempts, job.timeout_seconds) == (OWNER, 4, 60.0)


def test_the_address_fills_the_form(client: FlaskClient) -> None:
    form = page(client, "/tasks/picture?width=320&colours=ice&smooth=&nonsense=1")

    assert one(form, "#picture-width")["value"] == "320"
    assert one(form, "input[type=radio][checked]")["value"] == "ice"
    assert not one(form, "#picture-smooth").has_attr("checked")


def test_run_again_fills_the_form_with_the_jobs_arguments(client: FlaskClient, room: Room) -> None:
    held = room.complete(arguments='{"width": 333, "colours": "ice", "smooth": false}')
    link = one(page(client, f"/jobs/{held.slug}"), "#change-link")

    form = page(client, str(link["href"]))

    assert one(form, "#picture-width")["value"] == "333"
    assert not one(form, "#picture-smooth").has_attr("checked")


def test_an_unticked_box_is_sent_as_no_although_its_default_is_yes(client: FlaskClient, room: Room) -> None:
    sent = filled(one(page(client, "/tasks/picture"), "form.task-form"))
    assert sent["smooth"] == ["", "on"]

    response = post(client, "picture", {**sent, "smooth": [""]})

    assert room.job(response.location.rsplit("/", 1)[1]).arguments_by_name["smooth"] is False


def test_unticking_every_box_of_a_group_means_none(client: FlaskClient, room: Room) -> None:
    response = post(client, "everything", {"name": "Ann", "count": "1", "extras": [""]})

    assert room.job(response.location.rsplit("/", 1)[1]).arguments_by_name["extras"] == []


@pytest.mark.parametrize("headers", [{}, HTMX])
def test_wrong_values_come_back_with_errors_beside_and_above(
    client: FlaskClient, room: Room, headers: dict[str, str]
) -> None:
    response = post(client, "everything", {"name": "Ann", "count": "many", "ratio": "0.25"}, **headers)
    form = one(soup(response), "form#form-everything")

    assert response.status_code == 422
    summary = one(form, ".summary")
    assert summary.has_attr("autofocus")
    assert summary["tabindex"] == "-1"
    assert [link["href"] for link in summary.select("a")] == ["#everything-count"]
    field = one(form, "#everything-count")
    assert (field["value"], field["aria-invalid"]) == ("many", "true")
    assert "Must be a whole number, such as 12, not 'many'" in words(one(form, f"#{field['aria-describedby']}"))
    assert one(form, "#everything-ratio")["value"] == "0.25"
    assert one(form, "#everything-name")["value"] == "Ann"
    assert room.jobs() == []


def test_the_line_ends_that_every_browser_sends_are_not_called_unusual(client: FlaskClient) -> None:
    form = soup(post(client, "everything", {"name": "Ann", "count": "many", "note": "one\r\ntwo"}))

    assert "Unusual line breaks" not in words(one(form, "form#form-everything"))
    assert one(form, "textarea#everything-note").text.strip() == "one\ntwo"


def test_a_text_that_is_no_number_stays_visible_in_its_field(client: FlaskClient) -> None:
    form = soup(post(client, "picture", {"width": "wide"}))

    assert (one(form, "#picture-width")["type"], one(form, "#picture-width")["value"]) == ("text", "wide")


def test_a_name_that_is_no_parameter_is_refused(client: FlaskClient) -> None:
    response = post(client, "picture", {"widht": "100"})

    assert response.status_code == 422
    assert "Did you mean 'width'?" in words(one(soup(response), ".summary"))


def test_the_refused_form_is_swapped_in_place(client: FlaskClient) -> None:
    form = one(page(client, "/tasks/picture"), "form.task-form")

    assert form["hx-status:422"] == "swap:outerMorph"
    assert (form["action"], form["hx-post"], form["method"]) == ("/tasks/picture?form-sent=1",) * 2 + ("post",)


def test_the_same_form_sent_twice_is_one_job(client: FlaskClient, room: Room) -> None:
    sent = filled(one(page(client, "/tasks/picture"), "form.task-form"))

    first, second = post(client, "picture", sent), post(client, "picture", sent)

    assert first.location == second.location
    assert len(room.jobs()) == 1


def test_the_same_form_with_other_values_is_another_job(client: FlaskClient, room: Room) -> None:
    sent = filled(one(page(client, "/tasks/picture"), "form.task-form"))

    post(client, "picture", sent)
    post(client, "picture", {**sent, "width": "100"})

    assert len(room.jobs()) == 2


def test_two_forms_with_the_same_values_are_two_jobs(client: FlaskClient, room: Room) -> None:
    for _ in range(2):
        post(client, "picture", filled(one(page(client, "/tasks/picture"), "form.task-form")))

    assert len(room.jobs()) == 2


def test_a_refused_form_keeps_its_key(client: FlaskClient) -> None:
    sent = filled(one(page(client, "/tasks/picture"), "form.task-form"))

    form = one(soup(post(client, "picture", {**sent, "width": "1"})), "form.task-form")

    assert filled(form)["form-key"] == sent["form-key"]


def test_htmx_is_told_in_a_header_where_to_go(client: FlaskClient, room: Room) -> None:
    response = post(client, "picture", {}, **HTMX)

    assert response.status_code == 204
    assert response.headers["HX-Redirect"] == f"/jobs/{room.jobs()[0]}"


def test_without_a_worker_the_form_says_so(client: FlaskClient, room: Room) -> None:
    assert "run asyncinweb worker" in words(one(page(client, "/tasks/picture"), ".note"))

    room.add_worker()

    assert not page(client, "/tasks/picture").select(".note")


def test_an_unknown_task_is_a_404_with_the_nearest_name(client: FlaskClient) -> None:
    response = client.get("/tasks/pictur")

    assert response.status_code == 404
    assert "Did you mean 'picture'?" in words(one(soup(response), "main"))
