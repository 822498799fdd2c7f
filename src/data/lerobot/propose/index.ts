/** A robot read from the names in a data set's metadata, for a person to check. */
export { proposeRobot, type RobotProposal } from './proposeRobot.ts';
