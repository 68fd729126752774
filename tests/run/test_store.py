import fsspec
import pytest

from mirscan.errors import RunError
from mirscan.run import read_status, resume, scan
from mirscan.store.local import LocalStore
from mirscan.store.opening import open_store
from mirscan.store.url import UrlStore


@pytest.fixture(scope="module")
def bucket():
    """An S3 server on loopback with one empty bucket; yields its URL."""
    from moto.server import ThreadedMotoServer

    patch = pytest.MonkeyPatch()
    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    for name, value in {
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
    }.items():
        patch.setenv(name, value)
    patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    fsspec.filesystem("s3").mkdir("scans")
    yield "s3://scans"
    server.stop()
    patch.undo()


def results_at(url: str) -> dict[str, bytes]:
    store = open_store(url)
    return {name: store.read(name) for name in store.names() if name.startswith(("sites", "genes"))}


def test_store__s3_gives_the_same_bytes_and_resumes(runs, golden, bucket):
    url = f"{bucket}/one/run"

    def interrupt(event):
        if event.parts_done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        runs.scan(url, progress=interrupt)
    assert (read_status(url).n_done, read_status(url).owner) == (2, None)
    result = resume(url)
    assert results_at(url) == runs.results(golden)
    assert runs.scan(url) == result
    with pytest.raises(RunError, match="holds another run: --seeds was"):
        runs.scan(url, seeds="8mer")


def test_store__s3_damage_is_found(runs, golden, bucket):
    url = f"{bucket}/damaged"
    runs.scan(url)
    store = open_store(url)
    store.write("sites/part-00001.parquet", store.read("sites/part-00001.parquet")[:-9])
    store.remove("work/part-00002.json")
    runs.scan(url)
    assert results_at(url) == runs.results(golden)


def test_store__s3_through_workers(runs, golden, bucket):
    url = f"{bucket}/workers"
    runs.scan(url, workers=1)
    assert results_at(url) == runs.results(golden)


def test_store__s3_without_a_key_is_one_line(runs, bucket, monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    fsspec.filesystem("s3").clear_instance_cache()
    with pytest.raises(RunError, match=r"the object store refuses \(Unable to locate credentials\)") as error:
        runs.scan(f"{bucket}/keyless")
    fsspec.filesystem("s3").clear_instance_cache()
    assert "\n" not in str(error.value)


def test_store__memory_url_and_foreign_files(runs, golden):
    runs.scan("memory://there/out")
    assert results_at("memory://there/out") == runs.results(golden)
    fsspec.filesystem("memory").pipe_file("/elsewhere/thesis.docx", b"precious")
    with pytest.raises(RunError, match=r"holds thesis.docx and no plan.json"):
        runs.scan("memory://elsewhere")


def test_store__file_url_is_a_folder(runs, golden, tmp_path):
    runs.scan(f"file://{tmp_path}/out")
    assert runs.results(tmp_path / "out") == runs.results(golden)


def test_store__unknown_protocol_is_one_line(runs):
    with pytest.raises(RunError, match=r"--out gopher://x: .*choose a local folder") as error:
        runs.scan("gopher://x")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("make", [lambda path: LocalStore(str(path / "run")), lambda path: UrlStore(f"memory://store{path}")])
def test_store__creates_once_and_lists_what_it_holds(tmp_path, make):
    store = make(tmp_path)
    assert store.names() == []
    assert store.create("work/lock", b"mine")
    assert not store.create("work/lock", b"yours")
    assert store.read("work/lock") == b"mine"
    scratch = store.scratch("a/b.txt")
    scratch.write_bytes(b"abc")
    store.publish(scratch, "a/b.txt")
    assert (store.size("a/b.txt"), store.size("missing"), store.exists("a")) == (3, None, False)
    assert [name for name in store.names() if "unfinished" not in name] == ["a/b.txt", "work/lock"]
    store.remove("a/b.txt")
    store.remove("a/b.txt")
    with pytest.raises(FileNotFoundError):
        store.read("a/b.txt")


def test_store__scan_accepts_paths_and_texts(runs, golden, tmp_path):
    seeds = ["8mer,7mer-m8", "7mer-A1", "6mer"]
    scan(str(runs.mirnas), [str(runs.transcripts)], str(tmp_path / "out"), model="none", seeds=seeds, part_rows=100)
    assert runs.results(tmp_path / "out") == runs.results(golden)
