/** @file The Worker that `FlashVL.fromPretrained` starts. */
import { answerPort, type Port } from "./answer-port.ts";

answerPort(globalThis as unknown as Port);
