"""python-socketio's client against the demo app: one line for each check, exit code 1 at the first that fails.

    python python.py http://127.0.0.1:5000

`restart` on standard output asks whoever runs this to restart the server on its port and to write a line then.
"""

import os
import queue
import sys
import traceback

import engineio
import socketio


ADDRESS = sys.argv[1]
LIMIT = 10

WAYS = {"polling": ["polling"], "websocket": ["websocket"], "upgrade": ["polling", "websocket"]}


class InOrder(engineio.Client):
    """Handles packets in the order of the wire.

    The original has a thread for every packet, and on a busy machine these overtake one another: events, and attachments
    their event.
    """

    def _trigger_event(self, event, *args, **kwargs):
        if event == "message":
            kwargs["run_async"] = False
        return super()._trigger_event(event, *args, **kwargs)


class SocketIO(socketio.Client):
    def _engineio_client_class(self):
        return InOrder


class Client:
    """A client that is connected, and what it has heard."""

    def __init__(self, way, namespace="/", auth=None, more=()):
        self.namespace = namespace
        self.heard = queue.Queue()
        self.acks = []
        self.sio = SocketIO(reconnection_delay=0.05, reconnection_delay_max=0.2)
        for name in [namespace, *more]:
            self.sio.on("*", self.any(name), namespace=name)
            for event in ["connect", "disconnect", "connect_error"]:
                self.sio.on(event, self.event(event, name), namespace=name)
        OPEN.append(self.sio)
        self.sio.connect(
            ADDRESS, transports=WAYS[way], namespaces=[namespace, *more], auth=auth, wait_timeout=LIMIT
        )
        for name in [namespace, *more]:
            self.next("connect", name)
        self.told = self.next("auth")

    def any(self, namespace):
        def put(event, *args):
            self.heard.put((namespace, event, args))
            return self.acks.pop(0) if event == "emit-with-ack" and self.acks else None

        return put

    def event(self, event, namespace):
        def put(*args):
            self.heard.put((namespace, event, args))

        return put

    def next(self, event, namespace=None):
        """The arguments of the next event of this name; what else comes before it stays."""
        passed = []
        try:
            while True:
                got = self.heard.get(timeout=LIMIT)
                if got[:2] == (namespace or self.namespace, event):
                    return list(got[2])
                passed.append(got)
        except queue.Empty:
            raise AssertionError(f"no {event!r} came for {LIMIT} s, but {passed}") from None
        finally:
            for other in passed:
                self.heard.put(other)

    def emit(self, event, *args):
        self.sio.emit(event, args, namespace=self.namespace)

    def call(self, event, *args):
        return self.sio.call(event, args, namespace=self.namespace, timeout=LIMIT)

    def id(self):
        return self.sio.get_sid(self.namespace)


OPEN = []


def equal(got, expected):
    assert got == expected, f"got {got!r}, expected {expected!r}"


def connects_by_this_transport(way):
    client = Client(way)
    equal(client.sio.transport(), "polling" if way == "polling" else "websocket")
    assert client.id() and client.id() != client.sio.eio.sid, "the socket's id is that of the session"


def is_told_what_it_authenticates_with(way):
    equal(Client(way).told, [{}])
    equal(Client(way, auth={"token": "abc", "nested": [1, None]}).told, [{"token": "abc", "nested": [1, None]}])


def gets_back_text_numbers_objects_and_no_argument_at_all(way):
    client = Client(way)
    for args in [[], ["hello"], [1, "2", {"3": [True, None, 1.5]}, []], ["€ ünï😀\0\n\"'"]]:
        client.emit("message", *args)
        equal(client.next("message-back"), args)


def gets_back_bytes_alone_and_deep_in_other_things(way):
    client = Client(way)
    for args in [[b"\1\2\3"], [b""], [{"deep": [b"\0\xff", "text", b"\x1e"]}, 1, b"4"], [b"7" * 100_000]]:
        client.emit("message", *args)
        equal(client.next("message-back"), args)


def is_acknowledged(way):
    client = Client(way)
    equal(client.call("message-with-ack", 1), 1)
    equal(list(client.call("message-with-ack", 1, "2", {"3": False})), [1, "2", {"3": False}])
    equal(list(client.call("message-with-ack", b"1", "between", b"2")), [b"1", "between", b"2"])
    acks = queue.Queue()
    for number in range(50):
        client.sio.emit("message-with-ack", number, callback=lambda back, number=number: acks.put((number, back)))
    equal(sorted(acks.get(timeout=LIMIT) for _ in range(50)), [(number, number) for number in range(50)])


def acknowledges(way):
    client = Client(way)
    for args, back in [([1, "2"], ("thanks", [2])), ([b"1"], (b"2", {"b": b"3"}))]:
        client.acks.append(back)
        client.emit("emit-with-ack", *args)
        equal(client.next("emit-with-ack"), args)
        equal(client.next("emit-with-ack"), list(back))


def is_not_disturbed_by_an_event_that_nobody_handles(way):
    client = Client(way)
    client.emit("nobody-handles-this", 1)
    equal(client.call("message-with-ack", "after"), "after")


def gets_500_quick_events_back_in_order(way):
    client = Client(way)
    for number in range(500):
        client.emit("message", number)
    equal([client.next("message-back") for _ in range(500)], [[number] for number in range(500)])


def is_in_two_namespaces_by_one_connection(way):
    client = Client(way, more=["/custom"], auth={"token": "both"})
    equal(client.next("auth", "/custom"), [{"token": "both"}])
    assert client.id() != client.sio.get_sid("/custom")
    equal(client.sio.call("message-with-ack", "custom", namespace="/custom", timeout=LIMIT), "custom")
    # Leaves the one, as the server is told by a packet of that namespace.
    client.sio._send_packet(client.sio.packet_class(socketio.packet.DISCONNECT, namespace="/custom"))
    equal(client.call("message-with-ack", "still here"), "still here")


def is_refused_by_a_namespace_that_is_unknown(way):
    heard = queue.Queue()
    sio = SocketIO(reconnection=False)
    sio.on("connect_error", lambda *args: heard.put(args), namespace="/random")
    OPEN.append(sio)
    try:
        sio.connect(ADDRESS, transports=WAYS[way], namespaces=["/random"], wait_timeout=LIMIT)
        raise AssertionError("it connects")
    except socketio.exceptions.ConnectionError:
        pass
    equal(heard.get(timeout=LIMIT), ({"message": "Invalid namespace"},))


def hears_of_a_room_while_it_is_in_it(way):
    one, two, outside = clients = [Client(way), Client(way), Client(way)]
    equal(one.call("join", "tea"), "ok")
    equal(two.call("join", "tea"), "ok")
    one.emit("room", "tea", "to two")
    equal(two.next("room"), ["to two"])
    outside.emit("room", "tea", "to both")
    equal(one.next("room"), ["to both"])
    equal(two.next("room"), ["to both"])
    equal(two.call("leave", "tea"), "ok")
    one.emit("room", "tea", "to nobody")
    one.call("message-with-ack", 0)
    for client in clients:
        client.call("message-with-ack", 0)
        assert not [heard for heard in list(client.heard.queue) if heard[1] == "room"], list(client.heard.queue)


def hears_what_is_for_all(way):
    clients = [Client(way) for _ in range(5)]
    elsewhere = Client(way, namespace="/custom")
    for said in ["text", {"bytes": b"\1\2"}]:
        clients[0].emit("all", said)
        for client in clients:
            equal(client.next("all"), [said])
    elsewhere.call("message-with-ack", 0)
    assert elsewhere.heard.empty(), list(elsewhere.heard.queue)


def lives_on_while_it_answers_pings(way):
    client = Client(way)
    pings, receive = queue.Queue(), client.sio.eio._receive_packet

    def look(packet):
        if packet.packet_type == 2:
            pings.put(None)
        return receive(packet)

    client.sio.eio._receive_packet = look
    before = client.id()
    for _ in range(2):
        pings.get(timeout=LIMIT)
    equal(client.call("message-with-ack", "alive"), "alive")
    equal(client.id(), before)


def is_disconnected_by_a_kick_and_comes_back_when_it_wants_to(way):
    client = Client(way)
    client.emit("kick")
    equal(client.next("disconnect"), ["server disconnect"])
    client.sio.wait()
    equal(Client(way).call("message-with-ack", "back"), "back")


def leaves_and_comes_back(way):
    client = Client(way)
    client.sio.disconnect()
    equal(client.next("disconnect"), ["client disconnect"])
    client.sio.connect(ADDRESS, transports=WAYS[way], wait_timeout=LIMIT)
    client.next("connect")
    equal(client.call("message-with-ack", "back"), "back")


def comes_back_by_itself_after_a_restart_of_the_server(way):
    client = Client(way)
    before = client.id()
    print("restart", flush=True)
    client.next("disconnect")
    sys.stdin.readline()
    client.next("connect")
    assert client.id() != before
    equal(client.call("message-with-ack", "back"), "back")


CHECKS = [
    connects_by_this_transport,
    is_told_what_it_authenticates_with,
    gets_back_text_numbers_objects_and_no_argument_at_all,
    gets_back_bytes_alone_and_deep_in_other_things,
    is_acknowledged,
    acknowledges,
    is_not_disturbed_by_an_event_that_nobody_handles,
    gets_500_quick_events_back_in_order,
    is_in_two_namespaces_by_one_connection,
    is_refused_by_a_namespace_that_is_unknown,
    hears_of_a_room_while_it_is_in_it,
    hears_what_is_for_all,
    lives_on_while_it_answers_pings,
    is_disconnected_by_a_kick_and_comes_back_when_it_wants_to,
    leaves_and_comes_back,
    comes_back_by_itself_after_a_restart_of_the_server,
]

for way in WAYS:
    for check in CHECKS:
        name = check.__name__.replace("_", " ")
        try:
            check(way)
        except Exception:
            print(f"FAILED  {way}: {name}\n{traceback.format_exc()}", flush=True)
            # Threads of clients that are still connected would keep the process.
            os._exit(1)
        print(f"ok      {way}: {name}", flush=True)
        while OPEN:
            OPEN.pop().disconnect()
os._exit(0)
