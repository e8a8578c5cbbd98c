// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A 32-bit program, without a library, so that any x86 compiler builds it: sends a message with each of the two
 * numbers that a 32-bit caller has for it, or receives one with each.
 * call32 send|receive QUEUE (without its '/'). It exits with 0 if both calls worked.
 */
#define O_RDWR			  2
#define NR_EXIT			  1 /* arch/x86/entry/syscalls/syscall_32.tbl */
#define NR_MQ_OPEN		  277
#define NR_MQ_TIMEDSEND		  279
#define NR_MQ_TIMEDRECEIVE	  280
#define NR_MQ_TIMEDSEND_TIME64	  418
#define NR_MQ_TIMEDRECEIVE_TIME64 419

#define PRIORITY 7
#define SIZE	 65536

static char buffer[SIZE] = "32-bit";

static long call(long number, long a, long b, long c, long d)
{
	long result;

	asm volatile("int $0x80"
		     : "=a"(result)
		     : "0"(number), "b"(a), "c"(b), "d"(c), "S"(d), "D"(0)
		     : "memory");
	return result;
}

static int run(int argc, char *argv[])
{
	static const long numbers[][2] = {
		{NR_MQ_TIMEDSEND, NR_MQ_TIMEDSEND_TIME64},
		{NR_MQ_TIMEDRECEIVE, NR_MQ_TIMEDRECEIVE_TIME64},
	};
	unsigned int priority;
	long queue, result;
	int receive;

	if (argc != 3)
		return 2;
	receive = argv[1][0] == 'r';
	queue = call(NR_MQ_OPEN, (long)argv[2], O_RDWR, 0, 0);
	if (queue < 0)
		return 1;
	for (int i = 0; i < 2; i++) {
		result = receive ? call(numbers[1][i], queue, (long)buffer, SIZE, (long)&priority)
				 : call(numbers[0][i], queue, (long)buffer, 6, PRIORITY);
		if (result < 0 || (receive && priority != PRIORITY))
			return 1;
	}
	return 0;
}

__attribute__((used)) void start(long *stack)
{
	call(NR_EXIT, run((int)stack[0], (char **)(stack + 1)), 0, 0, 0);
}

asm(".globl _start\n_start: mov %esp, %eax\npush %eax\ncall start\n");
