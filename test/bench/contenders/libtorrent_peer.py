"""One libtorrent session with one torrent.

libtorrent_peer.py make ROOT TORRENT
libtorrent_peer.py seed TORRENT SAVE_PATH ADDRESS:PORT [PEER_ADDRESS:PORT ...]
libtorrent_peer.py get  TORRENT SAVE_PATH ADDRESS:PORT [PEER_ADDRESS:PORT ...]

Prints `listening`, and `complete` when all pieces are there and checked. Stays, and serves, until it is killed.
"""

import sys

import libtorrent as lt

# Everything that finds peers is off: they are given. TCP only, unencrypted, no limits: the fastest that it has to offer.
SETTINGS = {
    "enable_dht": False,
    "enable_lsd": False,
    "enable_upnp": False,
    "enable_natpmp": False,
    "enable_incoming_utp": False,
    "enable_outgoing_utp": False,
    "out_enc_policy": 2,
    "in_enc_policy": 2,
    "connection_speed": 500,
    # Peers are connected to at the next tick; half a second, which is the default, would be most of a short download.
    "tick_interval": 50,
    "min_reconnect_time": 1,
    "unchoke_slots_limit": -1,
    "alert_mask": lt.alert.category_t.status_notification | lt.alert.category_t.error_notification,
}


def make(root, path):
    storage = lt.file_storage()
    lt.add_files(storage, root)
    torrent = lt.create_torrent(storage, 0, lt.create_torrent.v2_only)
    lt.set_piece_hashes(torrent, root.rsplit("/", 1)[0])
    with open(path, "wb") as file:
        file.write(lt.bencode(torrent.generate()))


def run(role, path, save_path, listen, peers):
    session = lt.session({**SETTINGS, "listen_interfaces": listen})
    params = lt.add_torrent_params()
    params.ti = lt.torrent_info(path)
    params.save_path = save_path
    params.flags &= ~lt.torrent_flags.auto_managed
    params.flags &= ~lt.torrent_flags.paused
    if role == "seed":
        params.flags |= lt.torrent_flags.seed_mode
    handle = session.add_torrent(params)
    print("listening", flush=True)
    for peer in peers:
        address, port = peer.rsplit(":", 1)
        handle.connect_peer((address, int(port)))
    while True:
        session.wait_for_alert(1000)
        for alert in session.pop_alerts():
            if isinstance(alert, lt.torrent_finished_alert) and role == "get":
                print("complete", flush=True)
            elif isinstance(alert, (lt.torrent_error_alert, lt.file_error_alert, lt.listen_failed_alert)):
                sys.exit(alert.message())


if sys.argv[1] == "make":
    make(*sys.argv[2:])
else:
    run(*sys.argv[1:5], sys.argv[5:])
