"""Which pictures are found, and the names of their results."""

from pipeline.batch.tasks import find_tasks, select

from ..support.runs import paint


def test_results_mirror_the_folders_of_the_pictures_and_have_unique_names(pictures, tmp_path):
    names = {task.source: task.name for task in find_tasks([pictures], tmp_path / "out")}
    assert names["lake.jpg"] == "lake" and names["dog/001.jpg"] == "dog/001" and names["cat/001.jpg"] == "cat/001"
    assert names["cat/001.png"].startswith("cat/001-") and len(set(names.values())) == 4


def test_names_are_kept_when_pictures_are_added(pictures, tmp_path):
    before = {task.source: task.name for task in find_tasks([pictures], tmp_path / "out")}
    for name in ("ant/001.jpg", "cat/000.jpg", "cat/001.webp", "lake.png"):
        paint(pictures / name)
    after = {task.source: task.name for task in find_tasks([pictures], tmp_path / "out")}
    assert before.items() <= after.items()


def test_only_unsafe_parts_of_names_are_changed(tmp_path):
    for name in ("IMG_0001.JPG", "Été 2024/写真.png", "_index.png", "a:b?.png", "img_0001.png"):
        paint(tmp_path / "pictures" / name)
    names = {task.source: task.name for task in find_tasks([tmp_path / "pictures"], tmp_path / "out")}
    assert names["IMG_0001.JPG"] == "IMG_0001" and names["Été 2024/写真.png"] == "Été_2024/写真"
    assert names["_index.png"] == "index" and names["a:b?.png"] == "a_b"
    assert names["img_0001.png"].startswith("img_0001-")  # the same folder on systems that ignore case


def test_no_result_overwrites_a_picture(tmp_path):
    """A picture dog.jpg next to a folder dog/ with the user's own picture.jpg, and results among the pictures."""
    paint(tmp_path / "dog.jpg")
    paint(tmp_path / "dog/picture.jpg")
    names = {task.source: task.name for task in find_tasks([tmp_path], tmp_path)}
    assert names["dog.jpg"].startswith("dog-")


def test_a_picture_given_twice_is_done_once(pictures, tmp_path):
    assert len(find_tasks([pictures / "lake.jpg", pictures / "lake.jpg"], tmp_path)) == 1


def test_a_picture_given_by_several_paths_is_done_once(pictures, tmp_path, monkeypatch):
    monkeypatch.chdir(pictures)
    (tmp_path / "link").symlink_to(pictures)
    inputs = ["dog", "dog/", "./dog/001.jpg", "cat/../dog/001.jpg", pictures / "dog/001.jpg", tmp_path / "link/dog"]
    assert [task.name for task in find_tasks(inputs, tmp_path / "out")] == ["001"]


def test_pictures_with_the_same_name_in_several_folders_are_all_done(tmp_path):
    folders = [tmp_path / name for name in ("ant", "bee", "far/bee", "cow")]
    for folder in folders:
        paint(folder / "001.jpg")
    tasks = find_tasks(folders, tmp_path / "out")
    assert [task.path.parent for task in tasks] == folders and len({task.name for task in tasks}) == 4
    assert [task.source for task in tasks] == ["001.jpg", "bee/001.jpg", "far/bee/001.jpg", "cow/001.jpg"]
    assert [task.name for task in find_tasks(folders, tmp_path / "out")] == [task.name for task in tasks]


def test_no_result_has_a_reserved_name(tmp_path):
    for name in ("stems/001.jpg", "dog/stems.jpg", "index.html.jpg", "Nul.jpg", "con.2024.jpg", "console.jpg"):
        paint(tmp_path / "pictures" / name)
    names = {task.name for task in find_tasks([tmp_path / "pictures"], tmp_path / "out")}
    assert names == {"_stems/001", "dog/_stems", "_index.html", "_Nul", "_con.2024", "console"}


def test_a_picture_without_a_suffix_keeps_its_name(tmp_path):
    paint(tmp_path / "IMG_1.png").rename(tmp_path / "IMG_1")
    assert [task.name for task in find_tasks([tmp_path / "IMG_1"], tmp_path / "out")] == ["IMG_1"]


def test_limit_takes_the_first_and_shuffle_the_same_ones_each_time(pictures, tmp_path):
    tasks = find_tasks([pictures], tmp_path)
    assert select(tasks, limit=2) == tasks[:2]
    assert select(tasks, 3, shuffle=1) == select(tasks, 3, shuffle=1) != select(tasks, 3, shuffle=2)
    assert set(select(tasks, shuffle=1)) == set(tasks)
