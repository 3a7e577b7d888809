"""Flask-SocketIO on gevent: `python flask_app.py PORT PAGE`. PAGE is a file, which is what `/` answers."""

from gevent import monkey

monkey.patch_all()

import sys  # noqa: E402

from flask import Flask, Response  # noqa: E402
from flask_socketio import SocketIO, emit  # noqa: E402

port, page = sys.argv[1:]
with open(page, encoding="utf-8") as file:
    text = file.read()

# Its own folder of that name would take the path.
app = Flask(__name__, static_folder=None)
socketio = SocketIO(app, async_mode="gevent")


@app.route("/")
def index():
    return text


@app.route("/static/hello.txt")
def hello():
    return Response("hello\n", mimetype="text/plain")


@socketio.on("echo")
def echo(text):
    emit("echo", text)


@socketio.on("all")
def everybody(text):
    emit("all", text, broadcast=True)


socketio.run(app, host="127.0.0.1", port=int(port))
