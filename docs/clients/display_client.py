"""A whole wall display without a screen (../displays.md). Python 3.9 or later and websockets 10.4 or later:
   python3 display_client.py http://localhost:8787 display-token.txt"""
import asyncio, json, os, random, sys, time, urllib.error, urllib.request, websockets
server, token_file = (sys.argv[1:] + ["display-token.txt"])[:2]
vehicles, alerts, held, state = {}, {}, {}, {"failures": 0, "lastError": None}  # held: epoch and seq of this picture
show = lambda what: print(json.dumps(what), flush=True)
async def ask(method, path, token="", **body):
    headers = {"content-type": "application/json", "authorization": f"Bearer {token}"}
    data = json.dumps(body).encode() if body else None
    request = urllib.request.Request(f"{server}/api/v1{path}", data, headers, method=method)
    try:
        return json.load(await asyncio.to_thread(urllib.request.urlopen, request, timeout=20))["data"]
    except urllib.error.HTTPError as refusal:
        error = json.load(refusal)["error"]
        raise SystemExit(error["message"]) if refusal.code == 401 else RuntimeError(error["code"], error["message"])
async def pair():
    codes = await ask("POST", "/displays/device-code")
    show({"code": codes["userCode"], "confirmAt": codes["verificationUri"]})
    seconds, answer = codes["interval"], None
    while not answer:
        await asyncio.sleep(seconds)
        try: answer = await ask("POST", "/displays/token", deviceCode=codes["deviceCode"])
        except Exception as trouble:
            code = trouble.args[0] if trouble.args else None
            if code == "ACCESS_DENIED": sys.exit(trouble.args[1])
            if code == "EXPIRED_TOKEN": return  # the next round gets a new one
            seconds += 0 if code == "AUTHORIZATION_PENDING" else 5  # SLOW_DOWN says so; any other trouble deserves it
    open(token_file, "w", opener=lambda path, flags: os.open(path, flags, 0o600)).write(answer["displayToken"])
async def take(message, socket, send):
    if message["type"] == "command": show(message)
    if message.get("command") == "reload": await socket.close()
    if message["type"] not in ("snapshot", "delta"): return  # a command, welcome, notice, and what may come later
    if message["type"] == "delta" and message["prev"] != held.get("seq"): return await send(type="hello", protocol=1)
    if message.get("part") == 1: vehicles.clear(), alerts.clear(), held.clear()  # half a picture resumes nothing
    for change in message["vehicles"]: vehicles.setdefault(change["id"], {}).update(change)
    for alert in message["alerts"]: alerts[alert["id"]] = alert
    for gone in message.get("removed", []): vehicles.pop(gone, None)
    for gone in message.get("alertsClosed", []): alerts.pop(gone, None)
    if message.get("part") != message.get("parts"): return
    held.update(epoch=message.get("epoch", held.get("epoch")), seq=message["seq"])
    state["failures"] = 0
    await send(type="ack", seq=held["seq"])
    show({"seq": held["seq"], "vehicles": len(vehicles), "alerts": len(alerts)})
async def beat(send, started=time.monotonic()):  # every 30 s; websockets itself pings, and closes a line that is dead
    health = {"type": "heartbeat", "build": "python-1", "viewport": "1920×1080", "lastError": state["lastError"]}
    while True:
        await send(**health, uptimeSeconds=time.monotonic() - started)
        await asyncio.sleep(30)
async def connect(token):
    show((await ask("GET", "/displays/me", token))["display"])  # it may have changed while we were away
    async with websockets.connect((await ask("POST", "/live/tickets", token))["url"], max_size=None) as socket:
        send = lambda **frame: socket.send(json.dumps(frame))
        await send(type="hello", protocol=1, **({"resume": held} if held else {}))
        heart = asyncio.ensure_future(beat(send))
        try:
            async for text in socket: await take(json.loads(text), socket, send)
        finally:
            heart.cancel()
            if socket.close_code in (4401, 4403, 4409, 4410, 4411): sys.exit(f"closed with {socket.close_code}")
async def main():
    while True:
        try:
            await (connect(open(token_file).read().strip()) if os.path.exists(token_file) else pair())
        except Exception as trouble:  # no network, no answer, a closed socket: all the same, again after a while
            state["lastError"] = str(trouble)[:500]
        await asyncio.sleep(min(30, 0.5 * 2 ** min(9, state["failures"])) * (0.5 + random.random()))  # not all at once
        state["failures"] += 1
asyncio.run(main())
