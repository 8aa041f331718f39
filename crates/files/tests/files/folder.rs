//! What only folders have: the mark, and files that were never finished.

use std::fs;
use std::time::{Duration, SystemTime};

use pollgate_files::{Files, FilesError, FilesSettings, Place};
use pollgate_model::AttachmentId;

use crate::world::{Kind, World, bytes};

#[tokio::test]
async fn a_folder_without_its_mark_is_away_and_is_not_made_again() {
    let world = World::new(Kind::Folder).await;
    let id = world.write(&bytes(10), 10).await;
    let (place, aside) = (world.folder.path().join("files"), world.folder.path().join("aside"));
    let mut begun = world.files.begin(AttachmentId::new()).await.unwrap();
    begun.push(bytes(10)).await.unwrap();
    fs::rename(&place, &aside).unwrap();
    let away = |outcome: Result<(), FilesError>| assert!(matches!(outcome, Err(FilesError::Unavailable(_))));
    away(begun.finish().await);
    for there in [false, true] {
        if there {
            fs::create_dir(&place).unwrap();
        }
        away(world.files.begin(id).await.map(drop));
        away(world.files.read(id, 0..5).await.map(drop));
        away(world.files.remove(id).await);
        away(world.files.list().await.map(drop));
        away(world.files.remove_unfinished(Duration::ZERO, 10).await.map(drop));
    }
    assert_eq!(fs::read_dir(&place).unwrap().count(), 0);
    fs::remove_dir(&place).unwrap();
    fs::rename(&aside, &place).unwrap();
    assert_eq!(world.read(id, 0..10).await, bytes(10));
}

#[tokio::test]
async fn files_that_were_never_finished_go_when_they_are_old() {
    let world = World::new(Kind::Folder).await;
    let id = world.write(&bytes(10), 10).await;
    let place = world.folder.path().join("files");
    let below = place.join("ab").join("cd");
    fs::create_dir_all(&below).unwrap();
    let put = |name: &str, age_s: u64| {
        let file = fs::File::create(below.join(name)).unwrap();
        file.set_modified(SystemTime::now() - Duration::from_secs(age_s)).unwrap();
    };
    for n in 1..=3 {
        put(&format!("01890000-0000-7000-8000-00000000abcd#{n}"), 3600);
    }
    let young = "01890000-0000-7000-8000-00000000abcd#4";
    put(young, 0);
    put("notes#1", 3600);
    let age = Duration::from_secs(1800);
    assert_eq!(world.files.remove_unfinished(age, 2).await, Ok(2), "no more than was asked for");
    assert_eq!(world.files.remove_unfinished(age, 10).await, Ok(1));
    assert!(below.join(young).exists() && below.join("notes#1").exists());
    assert_eq!(world.ids().await, [id]);
}

#[tokio::test]
async fn a_place_that_cannot_be_a_folder_is_refused_at_once() {
    let world = World::new(Kind::Folder).await;
    let file = world.folder.path().join("a file");
    fs::write(&file, "x").unwrap();
    let settings = FilesSettings {
        place: Place::Folder(file.join("files")),
        may_mark: true,
        timeout: Duration::from_secs(5),
    };
    let error = Files::open(&settings).await.unwrap_err();
    assert!(error.to_string().contains("a file"), "{error}");
}

#[tokio::test]
async fn a_folder_that_should_hold_files_and_has_no_mark_is_taken_for_not_mounted() {
    let folder = tempfile::tempdir().unwrap();
    let place = Place::Folder(folder.path().to_owned());
    let settings = FilesSettings { place, may_mark: false, timeout: Duration::from_secs(5) };
    let files = Files::open(&settings).await.unwrap();
    let id = AttachmentId::new();
    let refused = match files.begin(id).await {
        Ok(mut writer) => {
            writer.push("x".into()).await.unwrap();
            writer.finish().await.map(drop)
        }
        Err(error) => Err(error),
    };
    assert!(matches!(refused, Err(FilesError::Unavailable(_))), "{refused:?}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "nothing is written there");
    // mounted now, with its mark
    fs::write(folder.path().join("pollgate-attachments"), "").unwrap();
    assert!(matches!(files.read(id, 0..1).await, Err(FilesError::Missing(_))));
}
