/**
 * A paired screen at work: it asks what it is, keeps the live picture, says that it lives, obeys commands, keeps its last good
 * board, and comes back by itself from whatever ends its connection. Everything outside comes in as an effect.
 */
import { displayLimits, type DisplayLayout, type HeartbeatFields, type OwnBoard } from '#contracts/displays';
import { closeCode, type CommandMessage, type LiveTicket } from '#contracts/live';
import { toFailure, type ApiFailure } from '../api/failure.ts';
import { keepEveryMs, settingOf, type Wall } from '../board/wall.ts';
import { attentionTrucks } from '../live/attention.ts';
import { backoffMs } from '../live/backoff.ts';
import { rowsWithoutWords } from '../live/board.ts';
import { LiveConnection, type LiveSocket, type LiveState } from '../live/connection.ts';
import type { LivePicture } from '../live/fold.ts';

export interface WallDisplayEffects {
  /** null: unchanged since the last answer. Throws ApiFailure. */
  readOwn: () => Promise<OwnBoard | null>;
  openTicket: () => Promise<LiveTicket>;
  openSocket: (url: string) => LiveSocket;
  prefersPacked: () => boolean;
  onSize: (tenantId: string, vehicles: number) => void;
  /** What the heartbeat says. */
  health: () => HeartbeatFields;
  readKept: () => Promise<Wall | null>;
  keep: (wall: Wall) => void;
  /** The token is worth nothing any more. */
  onUnpaired: () => void;
  onReload: () => void;
  /** This build does not speak the server's protocol: a newer one does. */
  onOutdated: () => void;
  onTrouble: (message: string) => void;
  nowMs: () => number;
  random: () => number;
  after: (delayMs: number, work: () => void) => () => void;
}

export const identifyMs = 10_000;
/** A wall is drawn once a second, however fast deltas come. */
const drawEveryMs = 1_000;
const readOwnEveryMs = 5 * 60_000;
/** Words that are missing are asked for sooner, but never more often than this. */
const readWordsEveryMs = 60_000;
/** The first board is kept as soon as it has settled: the power may go at any time. */
const keepFirstMs = 2_000;
/** How often a screen that was sent away looks whether it may come back. */
const lookAgainMs = 10 * 60_000;

type TimerName = 'draw' | 'beat' | 'own' | 'keep' | 'identify' | 'probe';

const wordsOf = (failure: ApiFailure): string | null =>
  failure.code === 'USER_TOKENS_REVOKED'
    ? 'The organisation is suspended: ask whoever looks after it.'
    : failure.code === 'FORBIDDEN'
      ? 'This screen may not see the fleet any more: ask whoever manages displays.'
      : null;
/** The token is not known, or known to be over. A refusal that is not the API's own (a proxy’s) proves nothing. */
const isUnpairing = ({ code }: ApiFailure): boolean => code === 'TOKEN_REVOKED' || code === 'UNAUTHENTICATED';

export class WallDisplay {
  state = $state.raw<LiveState>({ kind: 'idle' });
  own = $state.raw<OwnBoard | null>(null);
  /** What the display shows, whole; null until there was ever anything. */
  wall = $state.raw<Wall | null>(null);
  isAsleep = $state(false);
  isIdentifying = $state(false);
  /** Why there is nothing live, when it is more than the line. */
  trouble = $state<string | null>(null);

  #picture: LivePicture | null = null;
  #heardAtMs: number | null = null;
  #refusal: ApiFailure | null = null;
  #readWordsAtMs = Number.NEGATIVE_INFINITY;
  #isStopped = false;
  #hasKept = false;
  #probes = 0;
  #cancels: Partial<Record<TimerName, () => void>> = {};
  readonly #connection: LiveConnection;
  readonly #effects: WallDisplayEffects;

  constructor(effects: WallDisplayEffects) {
    this.#effects = effects;
    const { openSocket, prefersPacked, nowMs, random, after } = effects;
    this.#connection = new LiveConnection(
      {
        openTicket: () => this.#openTicket(),
        isFinal: (thrown) => wordsOf(toFailure(thrown)) !== null || isUnpairing(toFailure(thrown)),
        waitSeconds: (thrown) => toFailure(thrown).retryAfterSeconds,
        ...{ openSocket, prefersPacked, nowMs, random, after },
      },
      {
        onState: (state) => this.#hearState(state),
        onPicture: (picture) => {
          this.#picture = picture;
          this.#drawSoon();
        },
        onHeard: (atMs) => {
          this.#heardAtMs = atMs;
          this.#drawSoon();
        },
        onNotice: () => {},
        onWelcome: () => this.#beat(),
        onCommand: (command) => this.#obey(command),
      },
    );
  }

  /** Shows what was kept, and connects. */
  async start(): Promise<void> {
    const kept = await this.#effects.readKept();
    if (this.#isStopped) return;
    this.wall ??= kept;
    this.#connection.start();
  }

  stop(): void {
    this.#isStopped = true;
    for (const cancel of Object.values(this.#cancels)) cancel?.();
    this.#cancels = {};
    this.#connection.stop();
  }

  retryNow(): void {
    this.#connection.retryNow();
  }

  /** Before the page goes: what is on the screen is what comes back. */
  keepNow(): void {
    if (this.wall !== null && this.state.kind === 'live') this.#effects.keep(this.wall);
  }

  /** Asked before each connect: what was changed while the line was away is in the answer. */
  async #openTicket(): Promise<LiveTicket> {
    this.#refusal = null;
    try {
      await this.#readOwn();
      return await this.#effects.openTicket();
    } catch (thrown) {
      this.#refusal = toFailure(thrown);
      this.#effects.onTrouble(this.#refusal.message);
      throw thrown;
    }
  }

  async #readOwn(): Promise<void> {
    const own = await this.#effects.readOwn();
    this.trouble = null;
    this.#schedule('own', readOwnEveryMs, () => void this.#readOwnAgain());
    if (own === null) return;
    this.own = own;
    this.isAsleep = own.display.isAsleep;
    this.#draw();
  }

  async #readOwnAgain(): Promise<void> {
    try {
      await this.#readOwn();
    } catch {
      // The socket knows better whether anything is wrong.
      this.#schedule('own', readOwnEveryMs, () => void this.#readOwnAgain());
    }
  }

  #hearState(state: LiveState): void {
    this.state = state;
    if (state.kind === 'live') {
      this.#probes = 0;
      if (!this.#hasKept) this.#schedule('keep', keepFirstMs, () => this.#keep());
    }
    if (state.kind === 'offline') this.#effects.onTrouble('The connection was lost.');
    if (state.kind !== 'ended' || this.#isStopped) return;
    this.#cancel('beat');
    this.#cancel('own');
    if (state.code === closeCode.displayUnpaired || (this.#refusal !== null && isUnpairing(this.#refusal))) {
      this.#effects.onUnpaired();
      return;
    }
    this.#explainEnd(state.code, this.#refusal);
  }

  /** Sent away, but perhaps not for ever: says why, and asks from time to time over HTTP whether it may come back. */
  #explainEnd(code: number, refusal: ApiFailure | null): void {
    const words = refusal === null ? null : wordsOf(refusal);
    let waitMs = lookAgainMs;
    if (words !== null) this.trouble = words;
    else if (code === closeCode.sessionRevoked) {
      this.trouble = 'The organisation is suspended: ask whoever looks after it.';
    } else if (code === closeCode.forbidden) {
      this.trouble = 'The server does not let this screen look at the fleet.';
    } else if (code === closeCode.protocolMismatch) {
      this.trouble = 'This screen waits for its new version.';
      this.#effects.onOutdated();
    } else {
      // A ticket that came too late says nothing about the token.
      waitMs = backoffMs(this.#probes + 3, this.#effects.random());
      this.#probes += 1;
    }
    if (this.trouble !== null) this.#effects.onTrouble(this.trouble);
    this.#schedule('probe', waitMs * (0.75 + this.#effects.random() / 2), () => void this.#probe(code));
  }

  async #probe(code: number): Promise<void> {
    try {
      await this.#readOwn();
      if (this.#isStopped) return;
      this.#connection.stop();
      this.#connection.start();
    } catch (thrown) {
      if (this.#isStopped) return;
      const failure = toFailure(thrown);
      if (isUnpairing(failure)) this.#effects.onUnpaired();
      else this.#explainEnd(code, failure);
    }
  }

  #beat(): void {
    this.#connection.say({ type: 'heartbeat', ...this.#effects.health() });
    this.#schedule('beat', displayLimits.heartbeatEverySeconds * 1000, () => this.#beat());
  }

  #obey({ command, args }: CommandMessage): void {
    switch (command) {
      case 'reload':
        this.keepNow();
        this.#effects.onReload();
        break;
      case 'identify':
        this.isIdentifying = true;
        this.#schedule('identify', identifyMs, () => (this.isIdentifying = false));
        break;
      case 'layout':
        if (args?.layout !== undefined) this.#show(args.layout);
        break;
      case 'sleep':
      case 'wake':
        this.isAsleep = command === 'sleep';
        break;
    }
  }

  #show(layout: DisplayLayout): void {
    if (this.own === null) return;
    this.own = { ...this.own, display: { ...this.own.display, layout } };
    this.#draw();
    this.keepNow();
  }

  #drawSoon(): void {
    if (this.wall === null || this.state.kind !== 'live') this.#draw();
    else if (this.#cancels.draw === undefined) this.#schedule('draw', drawEveryMs, () => this.#draw());
  }

  #draw(): void {
    if (this.own === null) return;
    const setting = settingOf(this.own);
    if (this.#picture !== null && this.#heardAtMs !== null) {
      this.wall = { asOfMs: this.#heardAtMs, setting, picture: this.#picture };
      this.#effects.onSize(setting.tenant.id, this.#picture.vehicles.size);
      this.#wantWords();
    } else if (this.wall !== null) {
      // What was kept is drawn as the display is set up by now.
      this.wall = { ...this.wall, setting: { ...this.wall.setting, layout: setting.layout, display: setting.display } };
    }
  }

  /** A truck that came to the board since, and whose reason is not known yet. */
  #wantWords(): void {
    const { own, wall } = this;
    const nowMs = this.#effects.nowMs();
    if (own === null || wall === null || nowMs - this.#readWordsAtMs < readWordsEveryMs) return;
    if (rowsWithoutWords(attentionTrucks(wall.picture)).every(({ id }) => own.reasons[id] !== undefined)) return;
    this.#readWordsAtMs = nowMs;
    this.#schedule('own', 500, () => void this.#readOwnAgain());
  }

  #keep(): void {
    this.keepNow();
    this.#hasKept = true;
    this.#schedule('keep', keepEveryMs(this.wall?.picture.vehicles.size ?? 0), () => this.#keep());
  }

  #schedule(name: TimerName, delayMs: number, work: () => void): void {
    this.#cancel(name);
    if (this.#isStopped) return;
    this.#cancels[name] = this.#effects.after(delayMs, () => {
      this.#cancels[name] = undefined;
      work();
    });
  }

  #cancel(name: TimerName): void {
    this.#cancels[name]?.();
    this.#cancels[name] = undefined;
  }
}
