// Alerts as they come: a websocket that is opened again, after growing pauses, for as long as the page is there.

export const FIRST_PAUSE = 500, LONGEST_PAUSE = 10000;
// The session has ended, or may see this no more: signing in says which.
const ENDED = [4401, 4410];

export const nextPause = (pause) => Math.min(pause * 2, LONGEST_PAUSE);

// live: where the state is said. opened: is given the socket each time. heard: is given each message, of
// an alert or of one that is gone.
export function feed(live, { opened = () => {}, heard, lost }) {
  let pause = FIRST_PAUSE;
  const say = (state, text) => {
    live.className = `live ${state}`;
    live.lastElementChild.textContent = text;
  };
  const connect = () => {
    const socket = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/ws/alerts/`);
    socket.onopen = () => {
      pause = FIRST_PAUSE;
      say("on", "Live");
      opened(socket);
    };
    socket.onmessage = (event) => {
      const message = JSON.parse(event.data);
      if (message.kind === "alert" || message.kind === "gone") heard(message);
    };
    socket.onclose = (event) => {
      if (ENDED.includes(event.code)) { location.reload(); return; }
      say("off", lost);
      setTimeout(connect, pause);
      pause = nextPause(pause);
    };
  };
  connect();
}
