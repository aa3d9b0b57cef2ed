"""Which pictures are found, and what their results are called."""

from pipeline.batch.tasks import chosen, find_tasks

from ..support.runs import paint


def test_results_lie_as_the_pictures_lie_and_none_has_the_name_of_another(pictures, tmp_path):
    names = {task.source: task.name for task in find_tasks([pictures], tmp_path / "out")}
    assert names["lake.jpg"] == "lake" and names["dog/001.jpg"] == "dog/001" and names["cat/001.jpg"] == "cat/001"
    assert names["cat/001.png"].startswith("cat/001-") and len(set(names.values())) == 4


def test_a_name_stays_when_other_pictures_come(pictures, tmp_path):
    before = {task.source: task.name for task in find_tasks([pictures], tmp_path / "out")}
    for name in ("ant/001.jpg", "cat/000.jpg", "cat/001.webp", "lake.png"):
        paint(pictures / name)
    after = {task.source: task.name for task in find_tasks([pictures], tmp_path / "out")}
    assert before.items() <= after.items()


def test_names_are_kept_but_for_what_a_system_takes_amiss(tmp_path):
    for name in ("IMG_0001.JPG", "Été 2024/写真.png", "_index.png", "a:b?.png", "img_0001.png"):
        paint(tmp_path / "pictures" / name)
    names = {task.source: task.name for task in find_tasks([tmp_path / "pictures"], tmp_path / "out")}
    assert names["IMG_0001.JPG"] == "IMG_0001" and names["Été 2024/写真.png"] == "Été_2024/写真"
    assert names["_index.png"] == "index" and names["a:b?.png"] == "a_b"
    assert names["img_0001.png"].startswith("img_0001-")  # one folder where capitals do not count


def test_no_result_takes_the_place_of_a_picture(tmp_path):
    """A picture dog.jpg beside a folder dog/ that holds somebody's own picture.jpg, and results among the pictures."""
    paint(tmp_path / "dog.jpg")
    paint(tmp_path / "dog/picture.jpg")
    names = {task.source: task.name for task in find_tasks([tmp_path], tmp_path)}
    assert names["dog.jpg"].startswith("dog-")


def test_a_picture_given_twice_is_done_once(pictures, tmp_path):
    assert len(find_tasks([pictures / "lake.jpg", pictures / "lake.jpg"], tmp_path)) == 1


def test_a_picture_is_done_once_however_it_is_written(pictures, tmp_path, monkeypatch):
    monkeypatch.chdir(pictures)
    (tmp_path / "link").symlink_to(pictures)
    inputs = ["dog", "dog/", "./dog/001.jpg", "cat/../dog/001.jpg", pictures / "dog/001.jpg", tmp_path / "link/dog"]
    assert [task.name for task in find_tasks(inputs, tmp_path / "out")] == ["001"]


def test_no_picture_is_lost_when_folders_hold_pictures_of_one_name(tmp_path):
    folders = [tmp_path / name for name in ("ant", "bee", "far/bee", "cow")]
    for folder in folders:
        paint(folder / "001.jpg")
    tasks = find_tasks(folders, tmp_path / "out")
    assert [task.path.parent for task in tasks] == folders and len({task.name for task in tasks}) == 4
    assert [task.source for task in tasks] == ["001.jpg", "bee/001.jpg", "far/bee/001.jpg", "cow/001.jpg"]
    assert [task.name for task in find_tasks(folders, tmp_path / "out")] == [task.name for task in tasks]


def test_no_result_has_the_name_of_a_file_of_ours_or_of_a_device(tmp_path):
    for name in ("stems/001.jpg", "dog/stems.jpg", "index.html.jpg", "Nul.jpg", "con.2024.jpg", "console.jpg"):
        paint(tmp_path / "pictures" / name)
    names = {task.name for task in find_tasks([tmp_path / "pictures"], tmp_path / "out")}
    assert names == {"_stems/001", "dog/_stems", "_index.html", "_Nul", "_con.2024", "console"}


def test_a_picture_without_an_ending_keeps_its_name(tmp_path):
    paint(tmp_path / "IMG_1.png").rename(tmp_path / "IMG_1")
    assert [task.name for task in find_tasks([tmp_path / "IMG_1"], tmp_path / "out")] == ["IMG_1"]


def test_limit_takes_the_first_and_shuffle_the_same_ones_each_time(pictures, tmp_path):
    tasks = find_tasks([pictures], tmp_path)
    assert chosen(tasks, limit=2) == tasks[:2]
    assert chosen(tasks, 3, shuffle=1) == chosen(tasks, 3, shuffle=1) != chosen(tasks, 3, shuffle=2)
    assert set(chosen(tasks, shuffle=1)) == set(tasks)
