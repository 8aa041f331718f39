//! Every call of the API, as the gateway answers it.

use futures::TryStreamExt as _;
use pollgate_client::{
    Context, Error, Item, MailboxQuery, NewEvent, NewMessage, NewRoom, Presence, Range, RoomChange,
    RoomFilter, Typing, kind,
};
use pollgate_testkit::eventually_async;

use crate::world::Pair::Embedded;
use crate::world::{LIMIT, next, next_message, send_all, texts, world};

#[tokio::test(flavor = "multi_thread")]
async fn messages_are_sent_answered_changed_and_taken_back() {
    let world = world(Embedded);
    let (ann, bob) = (world.client("ann"), world.client("bob"));
    let mut events = bob.events("");
    let sent = ann.send(NewMessage::to("bob", "hi").client_id("one")).await.unwrap();
    assert_eq!((sent.seq, sent.sender.as_str(), sent.client_id.as_deref()), (1, "ann", Some("one")));
    assert_eq!(ann.send(NewMessage::to("bob", "hi").client_id("one")).await.unwrap(), sent, "sent twice");
    let other = ann.send(NewMessage::to("bob", "ho").client_id("one")).await.unwrap_err();
    assert_eq!((other.status(), other.code()), (Some(409), Some("conflict")));
    let came = next_message(&mut events).await;
    assert_eq!(came, sent);

    let answer = bob.send(NewMessage::answer(&came, "hi yourself")).await.unwrap();
    assert_eq!((answer.seq, answer.reply_to.as_deref()), (2, Some(sent.id.as_str())));
    let edited = bob.edit(&answer.room, &answer.id, "hi, Ann").await.unwrap();
    assert!(edited.body == "hi, Ann" && edited.edited_at.is_some());
    bob.delete(&answer.room, &answer.id).await.unwrap();
    let refused = ann.delete(&answer.room, &answer.id).await.unwrap_err();
    assert_eq!(refused.code(), Some("forbidden"));
    let page = ann.history(&answer.room, Range::Newest, 10).await.unwrap();
    assert!(page.messages[1].deleted_at.is_some() && page.messages[1].body.is_empty());
    assert!(matches!(ann.history("nonsense", Range::Newest, 10).await, Err(Error::Problem(_))));
}

#[tokio::test(flavor = "multi_thread")]
async fn histories_and_room_lists_come_page_by_page() {
    let world = world(Embedded);
    let (ann, bob) = (world.client("ann"), world.client("bob"));
    send_all(&ann, &texts(25)).await;
    let room = bob.rooms(&RoomFilter::default()).await.unwrap().rooms.remove(0);
    let seqs = async |range| {
        let pages: Vec<_> = bob.history_pages(&room.id, range, 10).try_collect().await.unwrap();
        let all = |page: &pollgate_client::History| page.messages.iter().map(|message| message.seq).collect();
        pages.iter().map(all).collect::<Vec<Vec<i64>>>()
    };
    let backwards: Vec<Vec<i64>> = vec![(16..=25).collect(), (6..=15).collect(), (1..=5).collect()];
    assert_eq!(seqs(Range::Newest).await, backwards);
    assert_eq!(seqs(Range::Before(6)).await, backwards[2..]);
    assert_eq!(seqs(Range::After(14)).await, [(15..=24).collect::<Vec<_>>(), vec![25]]);
    assert_eq!(seqs(Range::After(25)).await, Vec::<Vec<i64>>::new());
    for number in 0..4 {
        ann.send(NewMessage::to(format!("user {number}/ä?"), "hi")).await.unwrap();
    }
    let filter = RoomFilter { limit: Some(2), ..RoomFilter::default() };
    let pages: Vec<_> = ann.room_pages(filter).try_collect().await.unwrap();
    assert_eq!(pages.iter().map(|page| page.rooms.len()).collect::<Vec<_>>(), [2, 2, 1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn rooms_are_made_changed_and_found() {
    let world = world(Embedded);
    let (ann, bob) = (world.client("ann"), world.client("bob"));
    let context = Context { kind: "order".into(), id: "7".into() };
    let new = NewRoom {
        name: Some("Order 7".into()),
        members: vec!["bob".into()],
        context: Some(context.clone()),
        status: Some("open".into()),
        ..NewRoom::default()
    };
    let room = ann.create_room(&new).await.unwrap();
    assert_eq!((room.kind.as_str(), room.context.as_ref()), ("group", Some(&context)));
    let filter = RoomFilter {
        context_kind: Some("order".into()),
        context_id: Some("7".into()),
        status: Some("open".into()),
        assignee: Some(String::new()),
        ..RoomFilter::default()
    };
    assert_eq!(bob.rooms(&filter).await.unwrap().rooms.len(), 1);
    let change = RoomChange { status: Some(None), name: Some(Some("Seven".into())), ..RoomChange::default() };
    let changed = ann.change_room(&room.id, &change).await.unwrap();
    assert_eq!((changed.status, changed.name.as_deref()), (None, Some("Seven")));
    ann.add_member(&room.id, "eve").await.unwrap();
    assert!(bob.room(&room.id).await.unwrap().members.contains(&"eve".to_owned()));
    ann.remove_member(&room.id, "eve").await.unwrap();
    let gone = ann.remove_member(&room.id, "eve").await.unwrap_err();
    assert_eq!(gone.code(), Some("not-found"));

    ann.send(NewMessage::room(&room.id, "one")).await.unwrap();
    assert_eq!(bob.room(&room.id).await.unwrap().unread, 1);
    bob.mark_read(&room.id, 1).await.unwrap();
    let receipts = ann.receipts(&room.id).await.unwrap();
    assert!(
        receipts.iter().any(|receipt| (receipt.user.as_str(), receipt.seq) == ("bob", 1)),
        "{receipts:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn typing_and_presence_are_heard() {
    let world = world(Embedded);
    let (ann, bob) = (world.client("ann"), world.client("bob"));
    let room = ann.send(NewMessage::to("bob", "hi")).await.unwrap().room;
    let reading = tokio::spawn(async move {
        let mut events = bob.events("").presence(true);
        loop {
            if let Item::Event(event) = next(&mut events).await
                && event.kind == kind::TYPING
            {
                return event.data::<Typing>().unwrap();
            }
        }
    });
    let online = |users: Vec<Presence>| users[0].online && users[0].since.is_some();
    eventually_async("bob is there", LIMIT, async || online(ann.presence(["bob"]).await.unwrap())).await;
    ann.typing(&room, true).await.unwrap();
    let typing = reading.await.unwrap();
    assert_eq!((typing.user.as_str(), typing.typing), ("ann", true));
    let asked = ann.presence(["bob", "nobody"]).await.unwrap();
    assert_eq!(asked.iter().map(|presence| presence.user.as_str()).collect::<Vec<_>>(), ["bob", "nobody"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn files_go_up_and_come_down_and_words_are_found() {
    let world = world(Embedded);
    let (ann, bob) = (world.client("ann"), world.client("bob"));
    let content = "a note\n".repeat(50_000);
    let file = ann.upload("nöte \"1\".txt", "text/plain", content.as_bytes()).await.unwrap();
    assert_eq!((file.media_type.as_str(), file.size), ("text/plain", content.len() as u64));
    let sent = ann.send(NewMessage::to("bob", "an umbrella").attachment(&file.id)).await.unwrap();
    assert_eq!(sent.files, std::slice::from_ref(&file));
    let download = bob.download(&file.id).await.unwrap();
    assert!(download.media_type.starts_with("text/plain"), "{}", download.media_type);
    assert_eq!(download.bytes(1 << 20).await.unwrap(), content.as_bytes());
    assert!(bob.download(&file.id).await.unwrap().bytes(10).await.is_err(), "more than was asked for");
    let none = world.client("eve").download(&file.id).await.unwrap_err();
    assert_eq!(none.code(), Some("not-found"));
    let refused = ann.upload("x.exe", "application/x-msdownload", b"MZ\x90\0").await.unwrap_err();
    assert_eq!(refused.code(), Some("unsupported-media-type"));
    eventually_async("it is found", LIMIT, async || {
        !bob.search("umbrella", Some(&sent.room), None).await.unwrap().messages.is_empty()
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_back_end_publishes_once_and_speaks_for_others() {
    let world = world(Embedded);
    let (shop, bob) = (world.client_with("shop", "publish"), world.client("bob"));
    let event = |number: u32| NewEvent::to(["bob"], "order.updated").data(number);
    let first = shop.publish_once("key \"one\"", &event(1)).await.unwrap();
    assert_eq!(shop.publish_once("key \"one\"", &event(1)).await.unwrap(), first, "published twice");
    let reused = shop.publish_once("key \"one\"", &event(2)).await.unwrap_err();
    assert_eq!(reused.code(), Some("idempotency-key-reused"));
    let ids = shop.publish_batch_once("two", &[event(2), event(3)]).await.unwrap();
    assert_eq!(shop.publish_batch_once("two", &[event(2), event(3)]).await.unwrap(), ids);
    let mut events = bob.events("");
    for number in 1..=3 {
        let Item::Event(event) = next(&mut events).await else { panic!("a resync") };
        assert_eq!((event.kind.as_str(), event.data::<u32>().unwrap()), ("order.updated", number));
    }

    let as_ann = shop.on_behalf_of("ann");
    let sent = as_ann.send(NewMessage::to("bob", "hi")).await.unwrap();
    assert_eq!(sent.sender, "ann");
    as_ann.edit(&sent.room, &sent.id, "ho").await.unwrap();
    shop.on_behalf_of("bob").mark_read(&sent.room, 1).await.unwrap();
    assert_eq!(bob.room(&sent.room).await.unwrap().unread, 0);
    let new = NewRoom { category: Some("billing".into()), ..NewRoom::default() };
    let room = as_ann.create_room(&new).await.unwrap();
    assert_eq!(room.members, ["ann"]);
    as_ann.add_member(&room.id, "eve").await.unwrap();
    as_ann.delete(&sent.room, &sent.id).await.unwrap();

    shop.join_desk("billing", "una").await.unwrap();
    assert_eq!(shop.agents("billing").await.unwrap(), ["una"]);
    assert_eq!(world.client("una").desks().await.unwrap(), ["billing"]);
    shop.leave_desk("billing", "una").await.unwrap();
    assert!(shop.agents("billing").await.unwrap().is_empty());
    let denied = bob.publish(&event(4)).await.unwrap_err();
    assert_eq!(denied.code(), Some("forbidden"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_sees_how_much_waits() {
    let world = world(Embedded);
    let shop = world.client_with("shop", "publish");
    shop.publish(&NewEvent::to(["bob"], "note").ttl(LIMIT)).await.unwrap();
    let operator = world.client_with("operator", "operator");
    eventually_async("it waits", LIMIT, async || {
        operator.mailboxes(&MailboxQuery::of_user("bob")).await.unwrap().total_ready == 1
    })
    .await;
}
